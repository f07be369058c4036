create role tuner_app login;
create schema tuner;
grant usage on schema tuner to tuner_app;
create table tuner.tenants (
    id integer primary key
);
create table tuner.visits (
    tenant_id integer not null references tuner.tenants,
    id integer generated always as identity,
    diagnosis text not null,
    primary key (tenant_id, id)
);
alter table tuner.tenants enable row level security;
alter table tuner.visits enable row level security;
create policy t on tuner.tenants for select to tuner_app
    using (id = nullif(current_setting('tuner.tenant', true), '')::integer);
create policy v on tuner.visits to tuner_app
    using (tenant_id = nullif(current_setting('tuner.tenant', true), '')::integer);
grant select on tuner.tenants to tuner_app;
grant select, insert on tuner.visits to tuner_app;
insert into tuner.tenants values (1), (2);
insert into tuner.visits (tenant_id, diagnosis) select 1, 'SECRET diagnosis' from generate_series(1, 50);
insert into tuner.visits (tenant_id, diagnosis) values (2, 'own diagnosis');
analyze tuner.visits;
grant select on pg_catalog.pg_statistic to tuner_app;
