create or replace function acl.my_firm() returns smallint language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select firm_no from acl.firms where login = session_user $$;
