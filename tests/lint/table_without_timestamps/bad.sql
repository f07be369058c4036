create table app.notes ( -- finding
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
create table app.tasks ( -- finding
    tenant_id  uuid not null,
    id         uuid not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
alter table app.tasks enable row level security;
alter table app.tasks force row level security;
create policy members_update on app.tasks for update to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()));
