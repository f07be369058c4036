-- core.evaluate_alerts: pending, firing once, resolved; and what no data, a broken probe and a missing one do.
begin;
select plan(31);

-- a probe that says what it is told to
create temporary table told (value double precision, fails boolean not null default false) on commit drop;
insert into told (value) values (0);
grant select, update on told to app_definer;
create function core.probe_told(p_minutes integer, p_argument text default null) returns double precision language plpgsql as $fn$
begin
    if (select fails from pg_temp.told) then
        raise exception 'told to fail' using errcode = 'PT500';
    end if;
    return (select value + coalesce(p_minutes, 0) + coalesce(p_argument::double precision, 0) from pg_temp.told);
end $fn$;
grant execute on function core.probe_told(integer, text) to app_definer;
delete from core.alert_rules;
insert into core.alert_rules (name, description, probe, threshold, for_minutes, severity, channel) values ('at_once', 'Told at once', 'core.probe_told', 10, 0, 'critical', 'pager');
insert into core.alert_rules (name, description, probe, threshold, for_minutes) values ('lasting', 'Told for long', 'core.probe_told', 10, 5);
create function tests.minutes_pass(p_minutes integer) returns void language sql as $fn$
    update core.alerts set first_seen_at = first_seen_at - make_interval(mins => p_minutes);
    update core.alert_rules set checked_at = checked_at - make_interval(mins => p_minutes);
$fn$;

select tests.act_as('dbkit_migrator');
select is(core.evaluate_alerts(), 0, 'nothing is wrong');
select is_empty($$ select from core.alerts $$, 'and nothing is noted');
select results_eq($$ select distinct state, value from core.alert_status $$, $$ values ('ok', 0::double precision) $$, 'every rule was asked');

-- the condition begins
update told set value = 11;
select tests.act_as_admin(), tests.minutes_pass(1);
select tests.act_as('dbkit_migrator');
select is(core.evaluate_alerts(), 1, 'one that needs no time fires');
select results_eq($$ select rule, state, value, fired_at is not null from core.alerts order by rule $$, $$ values ('at_once', 'firing', 11::double precision, true), ('lasting', 'pending', 11, false) $$, 'the other waits');
select results_eq(
    $$ select job_type, tenant_id, payload from core.job_queue $$,
    $$ values ('send_alert', null::uuid, '{"rule": "at_once", "message": "Told at once (11.0 > 10)", "severity": "critical", "channel": "pager"}'::jsonb) $$,
    'people are told by a job of the platform');

-- it goes on
update told set value = 12;
select tests.act_as_admin(), tests.minutes_pass(1);
select tests.act_as('dbkit_migrator');
select is(core.evaluate_alerts(), 0, 'it fires once');
select is(core.evaluate_alerts('at_once'), 0, 'also when it is asked for by name');
select results_eq($$ select count(*) from core.job_queue $$, $$ values (1::bigint) $$, 'and people are told once');
select results_eq($$ select distinct value from core.alerts $$, $$ values (12::double precision) $$, 'the value is the newest');
select tests.act_as_admin(), tests.minutes_pass(4);
select tests.act_as('dbkit_migrator');
select is(core.evaluate_alerts(), 1, 'after its minutes the other fires too');
select results_eq($$ select rule, state from core.alert_status order by rule $$, $$ values ('at_once', 'firing'), ('lasting', 'firing') $$, 'both are firing');

-- no data and a broken probe are no good news
update told set value = null;
select tests.act_as_admin(), tests.minutes_pass(1);
select tests.act_as('dbkit_migrator');
select is(core.evaluate_alerts(), 0, 'silence fires nothing');
select results_eq($$ select distinct state from core.alert_status $$, $$ values ('firing') $$, 'and resolves nothing');
update told set value = 0, fails = true;
select tests.act_as_admin(), tests.minutes_pass(1);
select tests.act_as('dbkit_migrator');
select lives_ok($$ select core.evaluate_alerts() $$, 'a probe that fails is no error of the evaluation');
select results_eq($$ select distinct state, last_error from core.alert_status $$, $$ values ('firing', 'PT500 told to fail') $$, 'it is named, and resolves nothing either');

-- it is over
update told set value = 10, fails = false;
select tests.act_as_admin(), tests.minutes_pass(1);
select tests.act_as('dbkit_migrator');
select is(core.evaluate_alerts(), 0, 'at the threshold all is well');
select results_eq($$ select rule, state, resolved_at is not null from core.alerts order by rule $$, $$ values ('at_once', 'resolved', true), ('lasting', 'resolved', true) $$, 'both are resolved');
select results_eq($$ select distinct state, last_error from core.alert_status $$, $$ values ('ok', null::text) $$, 'and the error is forgotten');

-- a condition that passes before its time
update told set value = 11;
select tests.act_as_admin(), tests.minutes_pass(1);
select tests.act_as('dbkit_migrator');
select is(core.evaluate_alerts('lasting'), 0, 'it is pending again');
select results_eq($$ select state from core.alert_status where rule = 'lasting' $$, $$ values ('pending') $$, 'as a new alert');
update told set value = 0;
select core.evaluate_alerts('lasting');
select results_eq($$ select state from core.alerts where rule = 'lasting' $$, $$ values ('resolved') $$, 'what nobody was told of leaves no trace');

-- comparators, arguments, off, often
delete from core.alert_rules;
insert into core.alert_rules (name, description, probe, argument, comparator, threshold, window_minutes, every_minutes)
values ('below', 'Below', 'core.probe_told', null, '<', 1, 0, 1), ('at_most', 'At most', 'core.probe_told', null, '<=', 0, 0, 1), ('at_least', 'At least', 'core.probe_told', null, '>=', 0, 0, 1),
       ('above', 'Above', 'core.probe_told', '5', '>', 11, 7, 1), ('daily', 'Daily', 'core.probe_told', null, '>=', 0, 0, 1440), ('absent', 'Absent', 'core.probe_not_there', null, '>', 0, 0, 1);
insert into core.alert_rules (name, description, probe, comparator, threshold, is_enabled) values ('off', 'Off', 'core.probe_told', '>=', 0, false);
update core.alert_rules set checked_at = now() - interval '23 hours' where name = 'daily';
select is(core.evaluate_alerts(), 4, 'each condition is what it says, and window and argument reach the probe');
select results_eq($$ select rule from core.alerts order by rule $$, $$ values ('above'), ('at_least'), ('at_most'), ('below') $$, 'a rule that is off or not due is not asked');
select results_eq($$ select last_error, state from core.alert_status where rule = 'absent' $$, $$ values ('there is no probe core.probe_not_there', 'unknown') $$, 'a probe that is not installed is named');
select is(core.evaluate_alerts('daily'), 1, 'a rule asked for by name is asked');
select is(core.evaluate_alerts('off'), 0, 'unless it is off');
select results_eq($$ select state from core.alert_status where rule = 'off' $$, $$ values ('disabled') $$, 'which is said');

-- who may
select tests.act_as('app_monitor');
select throws_ok($$ select core.evaluate_alerts() $$, '42501', 'permission denied for function evaluate_alerts', 'monitoring only reads');
select isnt_empty($$ select from core.alert_status where state = 'firing' $$, 'which it does');
select tests.act_as('app_user');
select throws_ok($$ select core.evaluate_alerts() $$, '42501', 'permission denied for function evaluate_alerts', 'applications evaluate nothing');

select * from finish();
rollback;
