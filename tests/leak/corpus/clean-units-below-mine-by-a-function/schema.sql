create role tr login;
create schema tr;
grant usage on schema tr to tr;
create table tr.units (
    id uuid primary key,
    path text not null unique
);
create function tr.path() returns text language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select path from tr.units where id = nullif(current_setting('tr.unit', true), '')::uuid
$$;
create function tr.below_mine(unit uuid) returns boolean language sql stable security definer
    set search_path = pg_catalog, pg_temp as $$
    select exists (select 1 from tr.units u where u.id = unit and u.path || '.' like tr.path() || '.%')
$$;
create table tr.menus (
    unit_id uuid not null references tr.units,
    id integer not null,
    title text,
    primary key (unit_id, id)
);
create table tr.shifts (
    unit_id uuid not null references tr.units,
    id integer not null,
    who text,
    primary key (unit_id, id)
);
alter table tr.units enable row level security;
alter table tr.menus enable row level security;
alter table tr.shifts enable row level security;
create policy p on tr.units for select using (tr.below_mine(id));
create policy p on tr.menus using (tr.below_mine(unit_id)) with check (tr.below_mine(unit_id));
create policy p on tr.shifts using (tr.below_mine(unit_id)) with check (tr.below_mine(unit_id));
grant select on tr.units to tr;
grant select, insert, update, delete on tr.menus, tr.shifts to tr;
insert into tr.units values
    ('a0000000-0000-4000-8000-000000000001', 'eu.12'), ('b0000000-0000-4000-8000-000000000002', 'eu.1');
insert into tr.menus values
    ('a0000000-0000-4000-8000-000000000001', 1, 'secret'), ('b0000000-0000-4000-8000-000000000002', 1, 'own');
