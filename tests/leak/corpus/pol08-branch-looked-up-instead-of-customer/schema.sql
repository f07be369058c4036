create role pl login;
create schema pl;
grant usage on schema pl to pl;
create table pl.customers (
    id bigint primary key,
    branch_id bigint not null
);
create table pl.tickets (
    customer_id bigint not null references pl.customers,
    id uuid primary key default gen_random_uuid(),
    branch_id bigint not null,
    text text
);
alter table pl.customers enable row level security;
alter table pl.tickets enable row level security;
create policy p on pl.customers for select
    using (id = nullif(current_setting('pl.customer', true), '')::bigint);
create policy p on pl.tickets for select
    using (branch_id = (select c.branch_id from pl.customers c
        where c.id = nullif(current_setting('pl.customer', true), '')::bigint));
grant select on pl.customers, pl.tickets to pl;
insert into pl.customers values (1, 7), (2, 7);
insert into pl.tickets (customer_id, branch_id, text) values (1, 7, 'SECRET text'), (2, 7, 'own text');
