create or replace function desk.tenant() returns uuid language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_token text := nullif(current_setting('desk.ctx', true), '');
  v_id text := split_part(v_token, '.', 1);
  v_signature text := substring(v_token from '\.([0-9a-f]+)$');
begin
  if v_token is null then return null; end if;
  if v_signature is distinct from (select encode(sha256(convert_to(k || v_id || k, 'UTF8')), 'hex') from desk.signing_key) then
    raise exception 'forged context' using errcode = '28000';
  end if;
  return v_id::uuid;
end $$;
