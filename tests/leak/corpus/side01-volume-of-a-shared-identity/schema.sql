create role invoice_api login;
create schema inv;
grant usage on schema inv to invoice_api;
create table inv.tenants (
    id integer primary key,
    name text not null
);
create table inv.invoices (
    tenant_id integer not null references inv.tenants,
    number bigint generated always as identity,
    amount numeric not null,
    primary key (tenant_id, number)
);
alter table inv.tenants enable row level security;
alter table inv.invoices enable row level security;
create policy t on inv.tenants for select to invoice_api
    using (id = nullif(current_setting('inv.tenant', true), '')::integer);
create policy i on inv.invoices to invoice_api
    using (tenant_id = nullif(current_setting('inv.tenant', true), '')::integer);
grant select on inv.tenants to invoice_api;
grant select, insert on inv.invoices to invoice_api;
grant select on sequence inv.invoices_number_seq to invoice_api;
insert into inv.tenants values (1, 'Acme'), (2, 'Globex');
insert into inv.invoices (tenant_id, amount) values (2, 5), (1, 10), (1, 20), (1, 30);
