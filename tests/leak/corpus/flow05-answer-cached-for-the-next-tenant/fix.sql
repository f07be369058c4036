create or replace function billing.dashboard(p_month text) returns jsonb language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare v_payload jsonb; v_key text := 'dashboard:' || billing.current_tenant() || ':' || p_month;
begin
  select payload into v_payload from billing.cache_entry where key = v_key;
  if found then return v_payload; end if;
  select jsonb_agg(jsonb_build_object('number', number, 'memo', memo) order by number) into v_payload from billing.invoice where tenant_id = billing.current_tenant();
  insert into billing.cache_entry (key, payload) values (v_key, coalesce(v_payload, '[]'));
  return v_payload;
end $$;
