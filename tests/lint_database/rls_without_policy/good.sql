create schema app;
create table app.notes (tenant_id uuid, id bigint, primary key (tenant_id, id));
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy own on app.notes using (tenant_id::text = (select current_setting('app.tenant', true)));
