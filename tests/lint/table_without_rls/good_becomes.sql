-- file: migrations/0001_column.sql
alter table app.docs add column tenant_id uuid not null default '00000000-0000-0000-0000-000000000001';

-- file: migrations/0002_guard.sql
alter table app.docs enable row level security, force row level security;
create policy members on app.docs for select to app_user using (tenant_id = (select app.current_tenant()));
