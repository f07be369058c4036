create or replace function chat.my_workspaces() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select workspace_id from chat.member where user_id = auth.uid() and (valid_until is null or valid_until > now()) $$;
