create role ts_app login;
create schema ts;
grant usage on schema ts to ts_app;
create table ts.plants (
    id bigint primary key,
    name text not null
);
create table ts.values (
    plant_id bigint not null references ts.plants,
    tag text not null,
    at timestamptz not null,
    value double precision not null,
    primary key (plant_id, tag, at)
) partition by list (plant_id);
create table ts.values_of_1 partition of ts.values for values in (1) partition by range (at);
create table ts.values_of_1_all partition of ts.values_of_1 default;
create table ts.values_of_others partition of ts.values default;
alter table ts.plants enable row level security, force row level security;
alter table ts.values enable row level security, force row level security;
create policy own on ts.plants for select to ts_app using (id = nullif(current_setting('ts.plant', true), '')::bigint);
create policy own on ts.values to ts_app using (plant_id = nullif(current_setting('ts.plant', true), '')::bigint);
grant select on ts.plants to ts_app;
grant select, insert, delete on ts.values to ts_app;
insert into ts.plants values (1, 'Acme'), (2, 'Globex');
insert into ts.values values (1, 'secret', '2026-01-01', 1), (2, 'own', '2026-01-01', 2);
