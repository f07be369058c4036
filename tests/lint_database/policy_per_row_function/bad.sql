-- finding: app.notes
-- finding: app.accounts
create schema app;
create function app.tenant() returns uuid language sql stable return nullif(current_setting('app.tenant', true), '')::uuid;
create table app.notes (tenant_id uuid, id bigint, primary key (tenant_id, id));
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy own on app.notes using (tenant_id = app.tenant());
create table app.accounts (tenant_id uuid, id bigint, primary key (tenant_id, id));
alter table app.accounts enable row level security;
alter table app.accounts force row level security;
create policy own on app.accounts using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
