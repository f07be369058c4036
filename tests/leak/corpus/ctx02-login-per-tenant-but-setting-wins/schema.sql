create role bi_acme login;
create role bi_globex login;
create schema bi;
grant usage on schema bi to bi_acme, bi_globex;

create table bi.tenants (
    login name primary key,
    name text not null
);
create table bi.sales (
    tenant name not null references bi.tenants,
    sold_on date not null,
    product text not null,
    pieces integer not null check (pieces <> 0),
    primary key (tenant, sold_on, product)
);
alter table bi.tenants enable row level security, force row level security;
alter table bi.sales enable row level security, force row level security;
create policy self on bi.tenants for select using (login = current_user);
create policy own on bi.sales using (tenant = coalesce(nullif(current_setting('bi.tenant', true), ''), current_user::text));
grant select on bi.tenants to bi_acme, bi_globex;
grant select, insert on bi.sales to bi_acme, bi_globex;

insert into bi.tenants values ('bi_acme', 'Acme'), ('bi_globex', 'Globex');
insert into bi.sales values ('bi_acme', '2026-01-01', 'SECRET product', 1), ('bi_globex', '2026-01-01', 'own product', 2);
