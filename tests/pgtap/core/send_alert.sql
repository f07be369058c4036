-- core.send_alert: a job of the platform that tells people.
begin;
select plan(6);

update core.alert_rules set channel = 'pager' where name = 'rls_gap';
select tests.act_as('dbkit_migrator');
select isnt(core.send_alert('rls_gap', 'a table is open'), null, 'an alert is queued');
select results_eq($$ select job_type, tenant_id, payload from core.job_queue $$,
    $$ values ('send_alert', null::uuid, '{"rule": "rls_gap", "channel": "pager", "message": "a table is open", "severity": "critical"}'::jsonb) $$, 'with what the rule says about it');
select tests.act_as_admin();
select tests.tenant('north', 'crm', 'ann');
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('data_cleanup', p_priority => 1000, p_run_at => now() - interval '1 day');
select tests.act_as('app_worker');
select results_eq($$ select job_type from core.next_jobs('w1', 2) $$, array['send_alert', 'data_cleanup'], 'it goes before whatever a tenant has queued');
select tests.act_as('dbkit_migrator');
select throws_ok($$ select core.send_alert('no_such_rule', 'm') $$, 'PT404', 'not_found', 'an alert has a rule');
select tests.act_as('app_user');
select throws_ok($$ select core.send_alert('rls_gap', 'm') $$, '42501', 'permission denied for function send_alert', 'applications send none');
select tests.act_as('app_monitor');
select throws_ok($$ select core.send_alert('rls_gap', 'm') $$, '42501', 'permission denied for function send_alert', 'nor does monitoring');

select * from finish();
rollback;
