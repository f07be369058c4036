-- Two columns could be the tenant's, and the tables that list tenants have neither.
create table app.organizations (
    id            uuid primary key,
    name          text not null,
    owner_user_id uuid not null
);

alter table app.organizations enable row level security;
alter table app.organizations force row level security;
create policy organizations_all on app.organizations to app_user using (false);

create table app.projects (
    organization_id uuid not null references app.organizations (id) on delete restrict,
    owner_user_id   uuid not null,
    id              uuid not null,
    primary key (organization_id, id),
    constraint projects_owner_key unique (owner_user_id, id)
);

create table app.tasks (
    owner_user_id uuid not null,
    id            uuid not null,
    project_id    uuid not null,
    primary key (owner_user_id, id),
    foreign key (owner_user_id, project_id) references app.projects (owner_user_id, id) on delete cascade
);

alter table app.projects enable row level security;
alter table app.projects force row level security;
create policy projects_own on app.projects to app_user
    using (organization_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

alter table app.tasks enable row level security;
alter table app.tasks force row level security;
create policy tasks_own on app.tasks to app_user
    using (owner_user_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create index tasks_project_idx on app.tasks (owner_user_id, project_id);
