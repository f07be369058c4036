-- Job types, queues and the permission to manage jobs. Idempotent; what an installation changed in a type's retries and leases stays, and
-- a type that it has closed.
-- Internal: an invitation is counted by the function that makes it, and an alert reaches the people who run the system.

insert into core.permissions (key, description)
values ('jobs_queue.manage', 'Cancel and retry the tenant''s background jobs.')
on conflict (key) do update
   set description = excluded.description
 where core.permissions.description is distinct from excluded.description;

insert into core.role_permissions (system, role_key, permission_key)
select rp.system, rp.role_key, 'jobs_queue.manage'
  from core.role_permissions as rp
 where rp.permission_key = 'jobs_queue.view'
on conflict do nothing;

insert into core.job_types (job_type, class, lease_seconds, required_keys, expected_ms, is_internal)
values
    ('send_email',                 'immediate',  60, '{to}',          2000, false),
    ('send_sms',                   'immediate',  60, '{to}',          2000, false),
    ('webhook_delivery',           'immediate',  60, '{url,event}',   3000, false),
    ('generate_invoice_pdf',       'immediate', 120, '{invoice}',    10000, false),
    ('tenant_invite',              'immediate',  60, '{}',            2000, true),
    ('send_alert',                 'immediate',  60, '{rule,message}', 2000, true),
    ('daily_customer_report',      'scheduled', 300, '{}',            null, false),
    ('weekly_performance_metrics', 'scheduled', 300, '{}',            null, false),
    ('monthly_billing_run',        'scheduled', 300, '{}',            null, false),
    ('invoice_reminder',           'scheduled',  60, '{}',            null, false),
    ('data_cleanup',               'scheduled', 300, '{}',            null, false),
    ('batch_email',                'background', 300, '{}',           null, false),
    ('data_import',                'background', 300, '{}',           null, false),
    ('data_export',                'background', 300, '{}',           null, false),
    ('generate_report',            'background', 300, '{}',           null, false),
    ('bulk_price_update',          'background', 300, '{}',           null, false),
    ('inventory_sync',             'background', 300, '{}',           null, false),
    ('external_sync',              'background', 300, '{}',           null, false)
on conflict (job_type) do update
   set class = excluded.class,
       required_keys = excluded.required_keys,
       expected_ms = excluded.expected_ms,
       is_internal = core.job_types.is_internal or excluded.is_internal
 where (core.job_types.class, core.job_types.required_keys, core.job_types.expected_ms)
       is distinct from (excluded.class, excluded.required_keys, excluded.expected_ms)
    or excluded.is_internal > core.job_types.is_internal;

select core.put_queue(queue.name, queue.is_fair)
  from (values ('default', false), ('fair', true)) as queue (name, is_fair)
 where not exists (select from core.queues as q where q.name = queue.name);

-- The day partitions come with the first core.requeue_expired_leases(): a fresh database has what its declaration names and no more.
