create role anon nologin;
create role authenticated login;
create schema auth;
create schema private;
grant usage on schema auth, private, public to authenticated;
create function auth.uid() returns uuid language sql stable
as $$ select (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;
create type public.org_role as enum ('owner', 'admin', 'member');
create table public.organisations (
    id uuid primary key default gen_random_uuid(),
    name text not null
);
create table public.organisation_members (
    organisation_id uuid not null references public.organisations on delete cascade,
    user_id uuid not null,
    role public.org_role not null default 'member',
    primary key (organisation_id, user_id)
);
create table public.projects (
    organisation_id uuid not null references public.organisations on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null,
    created_by uuid not null default auth.uid(),
    primary key (organisation_id, id)
);
create function private.organisations_as(variadic roles public.org_role[]) returns setof uuid
language sql stable security definer set search_path = '' as $$
    select m.organisation_id from public.organisation_members m
     where m.user_id = (select auth.uid()) and m.role = any (roles)
$$;
alter table public.organisations enable row level security;
alter table public.organisation_members enable row level security;
alter table public.projects enable row level security;
create policy "Members see their organisations" on public.organisations for select to authenticated
    using (id in (select private.organisations_as('owner', 'admin', 'member')));
create policy "Members see each other" on public.organisation_members for select to authenticated
    using (organisation_id in (select private.organisations_as('owner', 'admin', 'member')));
create policy "Owners put members out" on public.organisation_members for delete to authenticated
    using (organisation_id in (select private.organisations_as('owner')));
create policy "Members see projects" on public.projects for select to authenticated
    using (organisation_id in (select private.organisations_as('owner', 'admin', 'member')));
create policy "Admins write projects" on public.projects for insert to authenticated
    with check (organisation_id in (select private.organisations_as('owner', 'admin')));
create policy "Admins change projects" on public.projects for update to authenticated
    using (organisation_id in (select private.organisations_as('owner', 'admin')));
grant select on public.organisations to authenticated;
grant select, delete on public.organisation_members to authenticated;
grant select, insert, update (name) on public.projects to authenticated;
insert into public.organisations values
    ('aa000000-0000-4000-8000-000000000001', 'Acme'), ('bb000000-0000-4000-8000-000000000002', 'Globex');
insert into public.organisation_members values
    ('aa000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'owner'),
    ('bb000000-0000-4000-8000-000000000002', 'b1000000-0000-4000-8000-000000000002', 'owner');
insert into public.projects (organisation_id, name, created_by) values
    ('aa000000-0000-4000-8000-000000000001', 'SECRET project', 'a1000000-0000-4000-8000-000000000001'),
    ('bb000000-0000-4000-8000-000000000002', 'own project', 'b1000000-0000-4000-8000-000000000002');
