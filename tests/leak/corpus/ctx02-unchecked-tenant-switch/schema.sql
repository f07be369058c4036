create role portal_owner nologin;
create role portal login;
create schema portal authorization portal_owner;
grant usage on schema portal to portal;
set role portal_owner;

create table portal.accounts (
    id uuid primary key,
    name text not null
);
create table portal.people (
    id uuid primary key,
    name text not null
);
create table portal.account_people (
    account_id uuid not null references portal.accounts,
    person_id uuid not null references portal.people,
    role text not null default 'viewer' check (role in ('viewer', 'editor', 'owner')),
    primary key (account_id, person_id)
);
create table portal.files (
    account_id uuid not null references portal.accounts,
    path text not null check (path like '/%'),
    content bytea,
    primary key (account_id, path)
);
create function portal.open_session(p_person uuid, p_account uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from portal.people p where p.id = p_person) then
        raise exception 'unknown person';
    end if;
    perform set_config('portal.person', p_person::text, true), set_config('portal.account', p_account::text, true);
end $$;
create function portal.account() returns uuid language sql stable
as $$ select nullif(current_setting('portal.account', true), '')::uuid $$;

alter table portal.accounts enable row level security, force row level security;
alter table portal.people enable row level security;
alter table portal.account_people enable row level security;
alter table portal.files enable row level security, force row level security;
create policy own on portal.accounts for select to portal using (id = portal.account());
create policy own on portal.account_people for select to portal
    using (person_id = nullif(current_setting('portal.person', true), '')::uuid);
create policy own on portal.files to portal using (account_id = portal.account());
grant select on portal.accounts, portal.account_people to portal;
grant select, insert, update, delete on portal.files to portal;

reset role;
insert into portal.accounts values
    ('aa000000-0000-4000-8000-000000000001', 'Acme'), ('bb000000-0000-4000-8000-000000000002', 'Globex');
insert into portal.people values
    ('a1000000-0000-4000-8000-000000000001', 'Alice'), ('b1000000-0000-4000-8000-000000000002', 'Bob');
insert into portal.account_people values
    ('aa000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'owner'),
    ('bb000000-0000-4000-8000-000000000002', 'b1000000-0000-4000-8000-000000000002', 'owner');
insert into portal.files values
    ('aa000000-0000-4000-8000-000000000001', '/SECRET', null), ('bb000000-0000-4000-8000-000000000002', '/own', null);
