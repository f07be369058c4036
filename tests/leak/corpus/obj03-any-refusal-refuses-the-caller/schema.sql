create role geo_owner nologin;
create role geo_api login;
create schema geo authorization geo_owner;
grant usage on schema geo to geo_api;
set role geo_owner;
create table geo.customers (id integer primary key);
create table geo.places (
    customer_id integer not null references geo.customers,
    name text not null,
    primary key (customer_id, name)
);
create table geo.throttles (
    key text primary key,
    calls integer not null,
    closed_until timestamptz
);
create function geo.customer() returns integer language sql stable
as $$ select nullif(current_setting('geo.customer', true), '')::integer $$;
alter table geo.customers enable row level security;
alter table geo.places enable row level security;
create policy c on geo.customers for select to geo_api using (id = geo.customer());
create policy p on geo.places to geo_api using (customer_id = geo.customer());
grant select on geo.customers to geo_api;
grant select, insert, update, delete on geo.places to geo_api;
create or replace function geo.allow(p_call text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_key text := 'customer:' || geo.customer() || ':' || p_call;
begin
    if exists (select from geo.throttles t where t.key like '%:' || p_call and t.closed_until > clock_timestamp()) then
        return false;
    end if;
    insert into geo.throttles as t values (v_key, 1, null)
    on conflict (key) do update
        set calls = t.calls + 1,
            closed_until = case when t.calls >= 2 then clock_timestamp() + interval '1 minute' end;
    return true;
end $$;
insert into geo.customers values (1), (2);
insert into geo.places values (1, 'SECRET place'), (2, 'own place');
