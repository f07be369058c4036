create table app.notes (
    tenant_id uuid,
    id        uuid,
    primary key (tenant_id, id)
);
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy members on app.notes for select to app_user using (tenant_id = (select app.current_tenant()));
alter table app.docs add column tenant_id uuid;
-- dbkit: allow set_not_null_scans because the column is new
alter table app.docs alter column tenant_id set not null;
