-- A small two-tenant product with a checked and sealed context: nothing in it crosses tenants.
-- The tests break one thing at a time and expect the proof to find it.

do $$
begin
    if not exists (select from pg_roles where rolname = 'leak_owner') then
        create role leak_owner nologin;
        create role leak_app nologin;
    end if;
end
$$;

create schema app authorization leak_owner;
grant usage on schema app to leak_app;
set role leak_owner;

create table app.users (id uuid primary key, email text not null unique);
create table app.tenants (id uuid primary key default gen_random_uuid(), name text not null);
create table app.memberships (
    tenant_id uuid not null references app.tenants (id),
    user_id   uuid not null references app.users (id),
    role      text not null default 'member' check (role in ('member', 'owner')),
    status    text not null default 'active' check (status in ('active', 'suspended')),
    primary key (tenant_id, user_id)
);
create table app.invoices (
    tenant_id uuid not null references app.tenants (id),
    id        uuid not null default gen_random_uuid(),
    number    text not null,
    amount    numeric(12, 2) not null check (amount > 0),
    memo      text,
    primary key (tenant_id, id),
    unique (tenant_id, number)
);
create table app.invoice_lines (
    tenant_id  uuid not null,
    id         uuid not null default gen_random_uuid(),
    invoice_id uuid not null,
    descr      text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, invoice_id) references app.invoices (tenant_id, id)
);
create table app.context_key (key bytea not null);
insert into app.context_key values (sha256('a key of the tests'));

create function app.seal(p_tenant text) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select encode(sha256(key || convert_to(p_tenant || pg_backend_pid() || now(), 'UTF8') || key), 'hex')
    from app.context_key
$$;
revoke execute on function app.seal(text) from public;

create function app.set_context(p_user uuid, p_tenant uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from app.memberships m
        where m.user_id = p_user and m.tenant_id = p_tenant and m.status = 'active'
    ) then
        raise exception 'not a member';
    end if;
    perform set_config('app.tenant_id', p_tenant::text, true);
    perform set_config('app.seal', app.seal(p_tenant::text), true);
end
$$;

create function app.tenant() returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('app.seal', true) = app.seal(current_setting('app.tenant_id', true)) then
        return current_setting('app.tenant_id', true)::uuid;
    end if;
    return null;
end
$$;
-- set_context, as its definer, must see the memberships.
create policy system_all on app.memberships to leak_owner using (true);

alter table app.users enable row level security, force row level security;
alter table app.tenants enable row level security, force row level security;
alter table app.memberships enable row level security, force row level security;
alter table app.invoices enable row level security, force row level security;
alter table app.invoice_lines enable row level security, force row level security;

create policy own on app.tenants for select to leak_app using (id = (select app.tenant()));
create policy own on app.memberships for select to leak_app using (tenant_id = (select app.tenant()));
create policy own_select on app.invoices for select to leak_app using (tenant_id = (select app.tenant()));
create policy own_insert on app.invoices for insert to leak_app with check (tenant_id = (select app.tenant()));
create policy own_update on app.invoices for update to leak_app
    using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));
create policy own_delete on app.invoices for delete to leak_app using (tenant_id = (select app.tenant()));
create policy own on app.invoice_lines to leak_app
    using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));

grant select on app.tenants, app.memberships to leak_app;
grant select, insert, update, delete on app.invoices, app.invoice_lines to leak_app;
reset role;
