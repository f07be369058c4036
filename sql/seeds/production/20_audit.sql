-- How long the audit log is kept, and its first partitions. Idempotent; a term that was changed stays.

insert into core.app_settings (key, value, description)
values ('audit.keep', '2 years', 'How long audit entries are kept, as an interval; no value keeps them for ever.')
on conflict (key) do nothing;

select core.audit_partitions();
