create or replace function etl.take(p_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from etl.leases l where l.until < now();
    insert into etl.leases values (etl.space() || '/' || p_name, etl.space(), now() + interval '1 hour') on conflict do nothing;
    return found;
end $$;
