-- Job types, queues and the permission to manage jobs. Idempotent; what an installation changed in a type's retries and leases stays.

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

insert into core.job_types (job_type, class, lease_seconds, required_keys, expected_ms)
values
    ('send_email',                 'immediate',  60, '{to}',          2000),
    ('send_sms',                   'immediate',  60, '{to}',          2000),
    ('webhook_delivery',           'immediate',  60, '{url,event}',   3000),
    ('generate_invoice_pdf',       'immediate', 120, '{invoice}',    10000),
    ('tenant_invite',              'immediate',  60, '{}',            2000),
    ('send_alert',                 'immediate',  60, '{rule,message}', 2000),
    ('daily_customer_report',      'scheduled', 300, '{}',            null),
    ('weekly_performance_metrics', 'scheduled', 300, '{}',            null),
    ('monthly_billing_run',        'scheduled', 300, '{}',            null),
    ('invoice_reminder',           'scheduled',  60, '{}',            null),
    ('data_cleanup',               'scheduled', 300, '{}',            null),
    ('batch_email',                'background', 300, '{}',           null),
    ('data_import',                'background', 300, '{}',           null),
    ('data_export',                'background', 300, '{}',           null),
    ('generate_report',            'background', 300, '{}',           null),
    ('bulk_price_update',          'background', 300, '{}',           null),
    ('inventory_sync',             'background', 300, '{}',           null),
    ('external_sync',              'background', 300, '{}',           null)
on conflict (job_type) do update
   set class = excluded.class,
       required_keys = excluded.required_keys,
       expected_ms = excluded.expected_ms
 where (core.job_types.class, core.job_types.required_keys, core.job_types.expected_ms)
       is distinct from (excluded.class, excluded.required_keys, excluded.expected_ms);

select core.put_queue(queue.name, queue.is_fair)
  from (values ('default', false), ('fair', true)) as queue (name, is_fair)
 where not exists (select from core.queues as q where q.name = queue.name);

-- The day partitions come with the first core.requeue_expired_leases(): a fresh database has what its declaration names and no more.
