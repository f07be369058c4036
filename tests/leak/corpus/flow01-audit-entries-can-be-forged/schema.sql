create role consent_owner nologin;
create role consent_api login;
create schema consent authorization consent_owner;
grant usage on schema consent to consent_api;
set role consent_owner;
create table consent.tenants (
    id uuid primary key
);
create table consent.consents (
    tenant_id uuid not null references consent.tenants,
    person text not null,
    purposes text[] not null default '{}',
    given_at timestamptz not null default now(),
    primary key (tenant_id, person)
);
create table consent.history (
    id bigint generated always as identity primary key,
    table_name text not null,
    operation text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
    before jsonb,
    after jsonb
);
create function consent.remember() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into consent.history (table_name, operation, before, after)
    values (tg_table_name, tg_op, case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
    return null;
end $$;
create trigger remember after insert or update or delete on consent.consents
    for each row execute function consent.remember();
alter table consent.tenants enable row level security;
alter table consent.consents enable row level security;
create policy t on consent.tenants for select to consent_api
    using (id = nullif(current_setting('consent.tenant', true), '')::uuid);
create policy c on consent.consents to consent_api
    using (tenant_id = nullif(current_setting('consent.tenant', true), '')::uuid);
grant select on consent.tenants to consent_api;
grant select, insert, update, delete on consent.consents to consent_api;
grant select, insert on consent.history to consent_api;
insert into consent.tenants values ('a0000000-0000-4000-8000-00000000000a'), ('b0000000-0000-4000-8000-00000000000b');
insert into consent.consents (tenant_id, person) values
    ('a0000000-0000-4000-8000-00000000000a', 'SECRET person'), ('b0000000-0000-4000-8000-00000000000b', 'own person');
