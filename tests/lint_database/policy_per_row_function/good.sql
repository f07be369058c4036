create schema app;
create function app.tenant() returns uuid language sql stable return nullif(current_setting('app.tenant', true), '')::uuid;
create function app.zero() returns int language sql immutable return 0;
create table app.notes (tenant_id uuid, id bigint, primary key (tenant_id, id));
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy own on app.notes using (tenant_id = (select app.tenant()) and id > app.zero());
create policy written on app.notes for insert
    with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid));
