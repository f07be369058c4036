create role mill_owner nologin;
create role mill_api login;
create schema mill authorization mill_owner;
grant usage on schema mill to mill_api;
set role mill_owner;
create table mill.tenants (
    id integer primary key
);
create table mill.orders (
    tenant_id integer not null references mill.tenants,
    order_no integer not null,
    item text not null,
    paid numeric not null default 0,
    primary key (tenant_id, order_no)
);
create table mill.payments (
    tenant_id integer not null,
    order_no integer not null,
    seq integer not null,
    amount numeric not null check (amount > 0),
    primary key (tenant_id, order_no, seq),
    foreign key (tenant_id, order_no) references mill.orders
);
create function mill.book_payment() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update mill.orders set paid = paid + new.amount where order_no = new.order_no;
    return null;
end $$;
create trigger book_payment after insert on mill.payments for each row execute function mill.book_payment();
alter table mill.tenants enable row level security;
alter table mill.orders enable row level security;
alter table mill.payments enable row level security;
create policy t on mill.tenants for select to mill_api
    using (id = nullif(current_setting('mill.tenant', true), '')::integer);
create policy o on mill.orders for select to mill_api
    using (tenant_id = nullif(current_setting('mill.tenant', true), '')::integer);
create policy p on mill.payments to mill_api
    using (tenant_id = nullif(current_setting('mill.tenant', true), '')::integer);
grant select on mill.tenants, mill.orders to mill_api;
grant select, insert on mill.payments to mill_api;
insert into mill.tenants values (1), (2);
insert into mill.orders values (1, 1, 'theirs'), (2, 1, 'own item');
