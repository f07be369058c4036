set synchronous_commit = on;
create role feed_globex login replication;
create schema feed;
create table feed.customers (
    id text primary key
);
create table feed.parts (
    customer_id text not null references feed.customers,
    part_no text not null,
    price numeric not null,
    primary key (customer_id, part_no)
);
alter table feed.customers enable row level security, force row level security;
alter table feed.parts enable row level security, force row level security;
create policy own on feed.customers for select using (id = current_setting('feed.customer', true));
create policy own on feed.parts for select using (customer_id = current_setting('feed.customer', true));
insert into feed.customers values ('acme'), ('globex');
create publication parts_of_globex for table feed.parts where (customer_id = 'globex');
select pg_create_logical_replication_slot('feed_' || (select oid from pg_database where datname = current_database()), 'pgoutput');
insert into feed.parts values ('acme', 'LEAK secret part', 1), ('globex', 'own part', 2);
