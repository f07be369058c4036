create or replace function billing.operates(wanted text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select exists (select from billing.operators o where o.tenant = wanted and o.role_name = session_user) $$;
