-- For definer functions, which say whose room they read; core.cache_get is for everybody else.
-- A miss notes snapshot and time: what is computed from here on is at least as new, so core.cache_write stores them with the value. The
-- note is a setting of the transaction; a transaction with more misses than it holds gets the short life of a value without one.

create or replace function core.cache_read(p_room uuid, p_name text, p_key text, p_variant text default '') returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key   text := p_name || ':' || p_key;
    v_entry record;
    v_hit   boolean;
    v_seen  text;
begin
    -- a standby has no unlogged tables
    if pg_is_in_recovery() then
        return null;
    end if;

    select e.value, e.tags, e.seen, e.seen_at, e.xid
      into v_entry
      from core.cache_entries as e
     where e.tenant_id = p_room
       and e.key = v_key
       and e.variant = p_variant
       and e.expires_at > clock_timestamp();
    v_hit := found;
    if v_hit then
        -- one look-up: a transaction below xmin is visible, so the scan begins there
        v_hit := not exists (
            select
              from core.cache_invalidations as i
             where i.tenant_id = p_room
               and i.tag = any (v_entry.tags || array['*', 'key:' || v_key])
               and i.xid >= least(pg_snapshot_xmin(v_entry.seen), v_entry.xid)
               and case
                       when i.xid = v_entry.xid then i.noted_at >= v_entry.seen_at
                       else not pg_visible_in_snapshot(i.xid, v_entry.seen)
                   end
               and starts_with(v_key, i.prefix));
    end if;
    if not v_hit then
        v_seen := coalesce(nullif(current_setting('app.cache_seen', true), ''), '{}');
        if length(v_seen) < 10000 then
            perform set_config(
                'app.cache_seen',
                (v_seen::jsonb || jsonb_build_object(
                    p_room || v_key || '@' || p_variant, jsonb_build_array(pg_current_snapshot()::text, clock_timestamp())))::text,
                true);
        end if;
    end if;

    if current_setting('transaction_read_only') = 'off' then
        insert into core.cache_lookups (tenant_id, bucket, name, is_hit)
        values (p_room, date_trunc('minute', clock_timestamp()), p_name, v_hit);
    end if;
    return case when v_hit then v_entry.value end;
end
$fn$;

alter function core.cache_read(uuid, text, text, text) owner to app_definer;
revoke execute on function core.cache_read(uuid, text, text, text) from public;

comment on function core.cache_read(uuid, text, text, text) is
    'A cached value of a room (a tenant, or a person), null when there is none or it is stale. Internal. Each call counts as a look-up. Errors: none.';
