create role web login;
create schema auth;
grant usage on schema auth, public to web;
create function auth.uid() returns uuid
language sql stable as $$
    select (current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid
$$;
create table companies (
    id uuid primary key,
    name text
);
create table seats (
    company_id uuid not null references companies,
    person_id uuid not null,
    level text not null check (level in ('viewer', 'editor', 'owner')),
    primary key (company_id, person_id)
);
create table contracts (
    id uuid primary key default gen_random_uuid(),
    company_id uuid not null references companies,
    terms text
);
create function has_level(p_level text) returns boolean
language sql stable security definer set search_path = pg_catalog, public as $$
    select exists (select from public.seats where person_id = auth.uid() and level = p_level)
$$;
alter table companies enable row level security;
alter table seats enable row level security;
alter table contracts enable row level security;
create policy c on companies for select to web
    using (id in (select company_id from seats where person_id = auth.uid()));
create policy s on seats for select to web using (person_id = auth.uid());
create policy k_read on contracts for select to web
    using (company_id in (select company_id from seats where person_id = auth.uid()) or has_level('owner'));
create policy k_write on contracts for insert to web
    with check (company_id in (select company_id from seats where person_id = auth.uid()));
grant select on companies, seats to web;
grant select, insert on contracts to web;
insert into companies values
    ('c1000000-0000-4000-8000-000000000001', 'A'),
    ('c2000000-0000-4000-8000-000000000002', 'B');
insert into seats values
    ('c1000000-0000-4000-8000-000000000001', 'd1000000-0000-4000-8000-000000000001', 'owner'),
    ('c2000000-0000-4000-8000-000000000002', 'd2000000-0000-4000-8000-000000000002', 'owner');
insert into contracts (company_id, terms) values
    ('c1000000-0000-4000-8000-000000000001', 'SECRET terms'), ('c2000000-0000-4000-8000-000000000002', 'own terms');
