create table app.notes (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy members on app.notes for select to app_user using (tenant_id = (select app.current_tenant()));
create table app.colours (name text primary key);
create temporary table staging (tenant_id uuid not null, id uuid);
create table app.gone (tenant_id uuid not null, id uuid);
drop table app.gone;
