-- finding: app.notes
create schema app;
create table app.notes (tenant_id uuid, id bigint, primary key (tenant_id, id));
alter table app.notes enable row level security;
alter table app.notes force row level security;
