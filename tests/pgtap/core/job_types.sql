-- core.job_types: the types there are, and who may read them.
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann');

select set_eq(
    $$ select job_type, class from core.job_types $$,
    $$ values ('send_email', 'immediate'), ('send_sms', 'immediate'), ('webhook_delivery', 'immediate'), ('generate_invoice_pdf', 'immediate'),
              ('tenant_invite', 'immediate'), ('send_alert', 'immediate'),
              ('daily_customer_report', 'scheduled'), ('weekly_performance_metrics', 'scheduled'), ('monthly_billing_run', 'scheduled'),
              ('invoice_reminder', 'scheduled'), ('data_cleanup', 'scheduled'),
              ('batch_email', 'background'), ('data_import', 'background'), ('data_export', 'background'), ('generate_report', 'background'),
              ('bulk_price_update', 'background'), ('inventory_sync', 'background'), ('external_sync', 'background') $$,
    'the seed brings every type of the specification');
select set_eq($$ select job_type from core.job_types where is_internal $$, array['tenant_invite', 'send_alert'], 'two are for functions of the database alone');
select is_empty($$ select from core.job_types where (max_retries, backoff_minutes, default_priority) <> (3, '{1,5,15}', 0) $$, 'each is tried three times more, after 1, 5 and 15 minutes');
select set_eq($$ select rp.system || ' ' || rp.role_key from core.role_permissions as rp where rp.permission_key = 'jobs_queue.manage' $$,
    $$ select rp.system || ' ' || rp.role_key from core.role_permissions as rp where rp.permission_key = 'jobs_queue.view' $$, 'who sees jobs may manage them');

select tests.act_as('app_user', 'ann', 'north');
select isnt_empty($$ select from core.job_types $$, 'members read the types');
select throws_ok($$ update core.job_types set max_retries = 20 $$, '42501', 'permission denied for table job_types', 'but do not change them');
select throws_ok($$ update core.job_types set is_internal = false $$, '42501', 'permission denied for table job_types', 'nor open one');
select throws_ok($$ insert into core.job_types (job_type, class) values ('mine', 'immediate') $$, '42501', 'permission denied for table job_types', 'nor add any');
select tests.act_as('app_worker');
select isnt_empty($$ select from core.job_types $$, 'workers read them too');

select tests.act_as('app_definer');
select lives_ok($$ insert into core.job_types (job_type, class, max_retries) values ('of_ours', 'background', 20) $$, 'a project adds its own');
select throws_ok($$ insert into core.job_types (job_type, class, max_retries) values ('of_ours2', 'background', 21) $$, '23514', null, 'retries end somewhere');
select throws_ok($$ insert into core.job_types (job_type, class, backoff_minutes) values ('of_ours3', 'background', '{}') $$, '23514', null, 'there is a backoff');
select throws_ok($$ insert into core.job_types (job_type, class) values ('of_ours4', 'sometime') $$, '23514', null, 'and a class');

select * from finish();
rollback;
