create or replace function fleet.list_vehicles(p_filter text default 'true') returns setof text language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query execute 'select label from fleet.vehicles where company_code = current_setting(''fleet.company'') and state = $1' using p_filter;
end $$;
