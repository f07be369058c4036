create or replace function check_slot() returns trigger language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare other text;
begin
  select patient into other from slots where device = new.device and day = new.day and clinic_id = new.clinic_id;
  if found then raise exception 'device % is booked for %', new.device, other; end if;
  return new;
end $$;
