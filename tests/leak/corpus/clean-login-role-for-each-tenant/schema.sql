create role lab_customers nologin;
create role lab_acme login in role lab_customers;
create role lab_globex login in role lab_customers;
create schema lab;
grant usage on schema lab to lab_customers;
create table lab.customers (
    id integer primary key,
    login name not null unique
);
create table lab.orders (
    customer_id integer not null references lab.customers,
    order_no integer not null,
    substance text not null,
    primary key (customer_id, order_no)
);
create table lab.results (
    customer_id integer not null,
    order_no integer not null,
    value numrange not null,
    primary key (customer_id, order_no),
    foreign key (customer_id, order_no) references lab.orders
);
alter table lab.customers enable row level security, force row level security;
alter table lab.orders enable row level security, force row level security;
alter table lab.results enable row level security, force row level security;
create policy own on lab.customers for select to lab_customers using (login = current_user);
create policy own on lab.orders to lab_customers
    using (customer_id = (select c.id from lab.customers c where c.login = current_user));
create policy own on lab.results for select to lab_customers
    using (customer_id = (select c.id from lab.customers c where c.login = current_user));
grant select on lab.customers, lab.results to lab_customers;
grant select, insert on lab.orders to lab_customers;
insert into lab.customers values (1, 'lab_acme'), (2, 'lab_globex');
insert into lab.orders values (1, 1, 'SECRET substance'), (2, 1, 'own substance');
insert into lab.results values (1, 1, '[1,2)'), (2, 1, '[3,4)');
