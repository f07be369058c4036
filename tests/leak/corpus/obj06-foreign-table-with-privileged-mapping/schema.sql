create role crm_bridge login;
create schema crm;
create schema remote;
grant usage on schema crm, remote to crm_bridge;
create table crm.accounts (
    id integer primary key,
    name text not null
);
create table crm.deals (
    account_id integer not null references crm.accounts,
    deal_no integer not null,
    title text not null,
    primary key (account_id, deal_no)
);
alter table crm.accounts enable row level security;
alter table crm.deals enable row level security;
create policy a on crm.accounts for select to crm_bridge
    using (id = nullif(current_setting('crm.account', true), '')::integer);
create policy d on crm.deals to crm_bridge
    using (account_id = nullif(current_setting('crm.account', true), '')::integer);
grant select on crm.accounts to crm_bridge;
grant select, insert, update, delete on crm.deals to crm_bridge;
insert into crm.accounts values (1, 'Acme'), (2, 'Globex');
insert into crm.deals values (1, 1, 'SECRET deal'), (2, 1, 'own deal');
create extension postgres_fdw;
do $$
begin
    execute format(
        'create server warehouse foreign data wrapper postgres_fdw options (host %L, port %L, dbname %L)',
        split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()
    );
    execute format('create user mapping for public server warehouse options (user %L, password_required ''false'')', current_user);
end $$;
create foreign table remote.deals (account_id integer not null, deal_no integer not null, title text)
    server warehouse options (schema_name 'crm', table_name 'deals');
grant select on remote.deals to crm_bridge;
