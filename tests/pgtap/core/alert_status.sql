-- core.alert_status: every rule and how it stands; the way there: evaluate_alerts.sql.
begin;
select plan(6);

delete from core.alert_rules;
insert into core.alert_rules (name, description, probe, threshold, is_enabled, checked_at, last_value)
values ('asked', 'A', 'core.probe_errors', 5, true, now(), 1), ('never_asked', 'B', 'core.probe_errors', 5, true, null, null),
       ('silent', 'C', 'core.probe_errors', 5, true, now(), null), ('off', 'D', 'core.probe_errors', 5, false, now(), 9), ('hot', 'E', 'core.probe_errors', 5, true, now(), 9);
insert into core.alerts (rule, state, message, fired_at, resolved_at) values ('asked', 'resolved', 'm', now(), now());
insert into core.alerts (rule, state, message, value, fired_at) values ('hot', 'firing', 'm', 9, now());

select tests.act_as('app_monitor');
select results_eq($$ select rule, state from core.alert_status order by rule $$, $$ values ('asked', 'ok'), ('hot', 'firing'), ('never_asked', 'unknown'), ('off', 'disabled'), ('silent', 'unknown') $$, 'silence is not the same as well');
select results_eq($$ select value, comparator, threshold from core.alert_status where rule = 'hot' $$, $$ values (9::double precision, '>', 5::double precision) $$, 'the value stands beside its limit');
select results_eq($$ select fired_at from core.alert_status where rule = 'asked' $$, $$ values (null::timestamptz) $$, 'what is over is not shown');
select results_eq($$ select count(*) from core.alert_status $$, $$ values (5::bigint) $$, 'each rule is one row');
select tests.act_as('app_user');
select throws_ok($$ select from core.alert_status $$, '42501', 'permission denied for view alert_status', 'the view is for monitoring');
select tests.act_as('app_worker');
select throws_ok($$ select from core.alert_status $$, '42501', 'permission denied for view alert_status', 'not for workers');

select * from finish();
rollback;
