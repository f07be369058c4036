create role crm_service login;
create schema crm;
grant usage on schema crm to crm_service;

create table crm.organizations (
    organization_id uuid primary key,
    display_name varchar(80) not null
);
create table crm.people (
    organization_id uuid not null references crm.organizations on delete cascade,
    person_id uuid not null default gen_random_uuid(),
    email varchar(254) not null,
    deleted_at timestamptz,
    primary key (organization_id, person_id)
);
create unique index people_live_email on crm.people (organization_id, lower(email)) where deleted_at is null;
create table crm.activities (
    organization_id uuid not null,
    activity_id uuid not null default gen_random_uuid(),
    person_id uuid not null,
    kind text not null check (kind in ('call', 'mail', 'visit')),
    note text not null default '',
    deleted_at timestamptz,
    primary key (organization_id, activity_id),
    foreign key (organization_id, person_id) references crm.people
);
create function crm.org() returns uuid language sql stable
as $$ select nullif(current_setting('crm.organization', true), '')::uuid $$;

alter table crm.organizations enable row level security, force row level security;
alter table crm.people enable row level security, force row level security;
alter table crm.activities enable row level security, force row level security;
create policy o on crm.organizations for select to crm_service using (organization_id = crm.org());
create policy p_select on crm.people for select to crm_service using (deleted_at is null);
create policy p_insert on crm.people for insert to crm_service with check (organization_id = crm.org());
create policy p_update on crm.people for update to crm_service using (organization_id = crm.org());
create policy a on crm.activities to crm_service using (organization_id = crm.org() and deleted_at is null);
grant select on crm.organizations to crm_service;
grant select, insert, update on crm.people to crm_service;
grant select, insert on crm.activities to crm_service;

insert into crm.organizations values
    ('0a000000-0000-4000-8000-00000000000a', 'Acme'), ('0b000000-0000-4000-8000-00000000000b', 'Globex');
insert into crm.people (organization_id, email) values
    ('0a000000-0000-4000-8000-00000000000a', 'secret@acme.test'), ('0b000000-0000-4000-8000-00000000000b', 'own@globex.test');
