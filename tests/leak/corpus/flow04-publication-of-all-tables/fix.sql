set synchronous_commit = on;
alter publication feed_globex set table sync.parts where (customer_id = 'globex');
select pg_drop_replication_slot('feed_' || (select oid from pg_database where datname = current_database()));
select pg_create_logical_replication_slot('feed_' || (select oid from pg_database where datname = current_database()), 'pgoutput');
insert into sync.parts values ('acme', 'LEAK another part', 1), ('globex', 'second own part', 2);
