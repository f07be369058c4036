-- A product whose context is plain settings: what most schemas that dbkit did not write look like. Nothing crosses.

do $$
begin
    if not exists (select from pg_roles where rolname = 'plain_owner') then
        create role plain_owner nologin;
        create role plain_app nologin;
    end if;
end
$$;

create schema shop authorization plain_owner;
grant usage on schema shop to plain_app;
set role plain_owner;

create table shop.tenants (slug text primary key check (slug ~ '^[a-zA-Z0-9_-]+$'), name text not null);
create table shop.orders (
    tenant_slug text not null references shop.tenants (slug),
    id          uuid not null default gen_random_uuid(),
    region      text not null default 'eu',
    status      text not null default 'open' check (status in ('open', 'closed', 'archived')),
    note        text not null,
    primary key (tenant_slug, id)
);
create function shop.tenant() returns text language sql stable
    as $$ select nullif(current_setting('shop.tenant', true), '') $$;

alter table shop.tenants enable row level security, force row level security;
alter table shop.orders enable row level security, force row level security;
create policy own on shop.tenants for select to plain_app using (slug = (select shop.tenant()));
create policy own_read on shop.orders for select to plain_app using (tenant_slug = (select shop.tenant()));
create policy own_add on shop.orders for insert to plain_app with check (tenant_slug = (select shop.tenant()));
create policy own_change on shop.orders for update to plain_app
    using (tenant_slug = (select shop.tenant())) with check (tenant_slug = (select shop.tenant()));
create policy own_remove on shop.orders for delete to plain_app using (tenant_slug = (select shop.tenant()));
grant select on shop.tenants to plain_app;
grant select, insert, update, delete on shop.orders to plain_app;
reset role;
