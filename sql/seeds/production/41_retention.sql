-- How long core keeps what nobody needs for ever. Idempotent: a policy that was changed here by hand is left as it is.

insert into core.retention_policies (table_name, time_column, keep, mode, predicate)
values
    ('core.login_attempts',     'created_at', '1 year', 'delete', null),
    ('core.user_notifications', 'created_at', '1 year', 'delete', 'read_at is not null')
on conflict (table_name) do nothing;
