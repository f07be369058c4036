create role maps_owner nologin;
create role maps_api login;
create schema maps authorization maps_owner;
grant usage on schema maps to maps_api;
set role maps_owner;
create table maps.sites (id integer primary key);
create table maps.tiles (
    site_id integer not null references maps.sites,
    name text not null,
    primary key (site_id, name)
);
create table maps.limits (
    key text primary key,
    used integer not null,
    until timestamptz not null
);
create table maps.leases (
    name text primary key,
    until timestamptz not null
);
create function maps.site() returns integer language sql stable
as $$ select nullif(current_setting('maps.site_id', true), '')::integer $$;
alter table maps.sites enable row level security;
alter table maps.tiles enable row level security;
create policy s on maps.sites for select to maps_api using (id = maps.site());
create policy t on maps.tiles to maps_api using (site_id = maps.site());
grant select on maps.sites to maps_api;
grant select, insert, update, delete on maps.tiles to maps_api;
create function maps.count_call(p_key text) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into maps.limits as l values (p_key, 1, now() + interval '1 minute')
    on conflict (key) do update
        set used = case when l.until < now() then 1 else l.used + 1 end,
            until = case when l.until < now() then now() + interval '1 minute' else l.until end
    returning used
$$;
revoke execute on function maps.count_call(text) from public;
create function maps.render(p_tile text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if maps.count_call('site:' || maps.site()) > 100 then
        raise exception 'this site has used up its calls';
    end if;
    if maps.count_call('service') > 100000 then
        raise exception 'the service is busy';
    end if;
    return 'tile ' || p_tile;
end $$;
create function maps.take_lease(p_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from maps.leases l where l.until < now();
    insert into maps.leases values (maps.site() || ':' || p_name, now() + interval '1 minute') on conflict do nothing;
    return found;
end $$;
insert into maps.sites values (1), (2);
insert into maps.tiles values (1, 'SECRET tile'), (2, 'own tile');
