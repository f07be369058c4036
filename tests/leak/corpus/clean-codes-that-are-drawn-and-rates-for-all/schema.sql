create role trip_owner nologin;
create role trip_app login;
create schema trip authorization trip_owner;
grant usage on schema trip to trip_app;
set role trip_owner;
create table trip.agencies (id uuid primary key);
create table trip.bookings (
    agency_id uuid not null references trip.agencies,
    id uuid not null default gen_random_uuid(),
    place text not null,
    primary key (agency_id, id)
);
create table trip.invitations (
    code text primary key,
    agency text not null,
    used_by text
);
create table trip.rates (
    currency text primary key,
    rate numeric not null
);
create table trip.counters (
    name text primary key,
    per_agency jsonb not null default '{}'
);
create function trip.agency() returns uuid language sql stable
as $$ select nullif(current_setting('trip.agency', true), '')::uuid $$;
alter table trip.agencies enable row level security;
alter table trip.bookings enable row level security;
create policy a on trip.agencies for select to trip_app using (id = trip.agency());
create policy b on trip.bookings to trip_app using (agency_id = trip.agency());
grant select on trip.agencies to trip_app;
grant select, insert, update, delete on trip.bookings to trip_app;
create function trip.invite() returns text
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into trip.invitations (code, agency) values (gen_random_uuid()::text, trip.agency()::text) returning code
$$;
create function trip.redeem(p_code text) returns text
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update trip.invitations i set used_by = trip.agency()::text
     where i.code = p_code and i.used_by is null
    returning i.agency
$$;
create function trip.rate(p_currency text) returns numeric
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_rate numeric;
begin
    insert into trip.rates values (p_currency, length(p_currency) + 0.5) on conflict do nothing;
    select r.rate into v_rate from trip.rates r where r.currency = p_currency;
    return v_rate;
end $$;
create function trip.next_number() returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_number integer;
begin
    update trip.counters c
       set per_agency = c.per_agency || jsonb_build_object(
               trip.agency()::text, coalesce((c.per_agency ->> trip.agency()::text)::integer, 0) + 1)
     where c.name = 'booking'
    returning (c.per_agency ->> trip.agency()::text)::integer into v_number;
    return 'B-' || v_number;
end $$;
insert into trip.counters values ('booking', '{}');
insert into trip.agencies values ('a0000000-0000-4000-8000-00000000000a'), ('b0000000-0000-4000-8000-00000000000b');
insert into trip.bookings (agency_id, place) values ('a0000000-0000-4000-8000-00000000000a', 'SECRET place'), ('b0000000-0000-4000-8000-00000000000b', 'own place');
