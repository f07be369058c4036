create role authenticated login;
create schema auth;
create schema private;
grant usage on schema auth, private, public to authenticated;
create function auth.uid() returns uuid language sql stable
as $$ select (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;

create table public.organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null
);
create table public.profiles (
    user_id uuid primary key,
    organization_id uuid not null references public.organizations,
    display_name text not null default ''
);
create table public.invoices (
    organization_id uuid not null references public.organizations,
    number integer not null,
    amount numeric not null check (amount > 0),
    primary key (organization_id, number)
);
create function private.organization() returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select p.organization_id from public.profiles p where p.user_id = auth.uid() $$;

alter table public.organizations enable row level security;
alter table public.profiles enable row level security;
alter table public.invoices enable row level security;
create policy org on public.organizations for select to authenticated using (id = (select private.organization()));
create policy me_read on public.profiles for select to authenticated using (user_id = (select auth.uid()));
create policy me_write on public.profiles for update to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy org on public.invoices to authenticated using (organization_id = (select private.organization()));
grant select on public.organizations to authenticated;
grant select, update on public.profiles to authenticated;
grant select, insert, update, delete on public.invoices to authenticated;

insert into public.organizations values
    ('aa000000-0000-4000-8000-000000000001', 'Acme'), ('bb000000-0000-4000-8000-000000000002', 'Globex');
insert into public.profiles values
    ('a1000000-0000-4000-8000-000000000001', 'aa000000-0000-4000-8000-000000000001', 'Alice'),
    ('b1000000-0000-4000-8000-000000000002', 'bb000000-0000-4000-8000-000000000002', 'Bob');
insert into public.invoices values
    ('aa000000-0000-4000-8000-000000000001', 1, 100), ('bb000000-0000-4000-8000-000000000002', 2, 200);
