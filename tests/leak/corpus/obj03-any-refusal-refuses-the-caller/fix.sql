create or replace function geo.allow(p_call text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_key text := 'customer:' || geo.customer() || ':' || p_call;
begin
    if exists (select from geo.throttles t where t.key = v_key and t.closed_until > clock_timestamp()) then
        return false;
    end if;
    insert into geo.throttles as t values (v_key, 1, null)
    on conflict (key) do update
        set calls = t.calls + 1,
            closed_until = case when t.calls >= 2 then clock_timestamp() + interval '1 minute' end;
    return true;
end $$;
