create role price_owner nologin;
create role price_app login;
create schema price authorization price_owner;
grant usage on schema price to price_app;
set role price_owner;
create table price.tenants (
    id integer primary key
);
create table price.articles (
    tenant_id integer not null references price.tenants,
    code text not null unique,
    price numeric not null check (price >= 0),
    primary key (tenant_id, code)
);
create table price.changes (
    tenant_id integer not null references price.tenants,
    code text not null,
    new_price numeric not null,
    primary key (tenant_id, code)
);
alter table price.tenants enable row level security;
alter table price.articles enable row level security;
alter table price.changes enable row level security, force row level security;
create policy t on price.tenants for select to price_app
    using (id = nullif(current_setting('price.tenant', true), '')::integer);
create policy a on price.articles for select to price_app
    using (tenant_id = nullif(current_setting('price.tenant', true), '')::integer);
create policy c on price.changes
    using (tenant_id = nullif(current_setting('price.tenant', true), '')::integer);
create rule apply_change as on insert to price.changes
    do also update price.articles set price = new.new_price where code = new.code;
grant select on price.tenants, price.articles to price_app;
grant select, insert on price.changes to price_app;
insert into price.tenants values (1), (2);
insert into price.articles values (1, 'A-1', 10), (2, 'B-1', 20);
