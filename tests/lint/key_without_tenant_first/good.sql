create table app.notes (
    tenant_id  uuid not null,
    id         uuid not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy members on app.notes for select to app_user using (tenant_id = (select app.current_tenant()));
