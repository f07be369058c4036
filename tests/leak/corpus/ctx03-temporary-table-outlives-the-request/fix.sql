create or replace function edu.cached_pupils() returns setof text language plpgsql as $$
begin
  return query select name from edu.pupils;
end $$;
