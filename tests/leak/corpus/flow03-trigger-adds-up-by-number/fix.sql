create or replace function fleet.add_km() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ begin update fleet.vehicles set total_km = total_km + new.km where vehicle_no = new.vehicle_no and company_code = new.company_code; return null; end $$;
