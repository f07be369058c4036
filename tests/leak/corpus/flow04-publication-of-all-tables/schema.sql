set synchronous_commit = on;
create role sync_globex login replication;
create schema sync;
create table sync.customers (
    id text primary key
);
create table sync.parts (
    customer_id text not null references sync.customers,
    part_no text not null,
    price numeric not null,
    primary key (customer_id, part_no)
);
alter table sync.customers enable row level security, force row level security;
alter table sync.parts enable row level security, force row level security;
create policy c on sync.customers for select using (id = current_setting('sync.customer', true));
create policy p on sync.parts for select using (customer_id = current_setting('sync.customer', true));
insert into sync.customers values ('acme'), ('globex');
create publication feed_globex for table sync.parts with (publish = 'insert');
select pg_create_logical_replication_slot('feed_' || (select oid from pg_database where datname = current_database()), 'pgoutput');
insert into sync.parts values ('acme', 'LEAK secret part', 1), ('globex', 'own part', 2);
