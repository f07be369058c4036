create role rpt login;
create role bi nologin bypassrls;
create schema dwh;
grant usage, create on schema dwh to bi;
grant usage on schema dwh to rpt;
create table dwh.tenants (
    k text primary key
);
create table dwh.orders (
    k text not null references dwh.tenants,
    id uuid default gen_random_uuid() primary key,
    amt int
);
alter table dwh.tenants enable row level security;
alter table dwh.orders enable row level security;
grant select on dwh.orders, dwh.tenants to bi;
create policy p on dwh.tenants for select using (k = current_setting('dwh.k', true));
grant select on dwh.tenants to rpt;
set role bi;
create view dwh.my_orders with (security_barrier) as
    select o.id, o.amt, t.k from dwh.orders o join dwh.tenants t using (k) where t.k = current_setting('dwh.k', true);
reset role;
grant select on dwh.my_orders to rpt;
insert into dwh.tenants values ('acme'), ('globex');
insert into dwh.orders (k, amt) values ('acme', 990), ('globex', 100);
