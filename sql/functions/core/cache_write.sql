-- For definer functions, which say whose room they write; core.cache_set is for everybody else.
-- A cache is never worth waiting for: who meets another writer of the entry for longer than an instant leaves it alone.

create or replace function core.cache_write(
    p_room uuid, p_name text, p_key text, p_variant text, p_value jsonb, p_tags text[] default '{}', p_ttl_seconds integer default null
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '10ms'
as $fn$
declare
    v_seen   jsonb := nullif(current_setting('app.cache_seen', true), '')::jsonb -> (p_room || p_name || ':' || p_key || '@' || p_variant);
    v_policy core.cache_policies;
    v_ttl    integer;
begin
    select p.* into strict v_policy from core.cache_policies as p where p.name = p_name;
    v_ttl := least(coalesce(p_ttl_seconds, v_policy.ttl_seconds), 86400);

    if current_setting('transaction_read_only') = 'on' then
        return;
    elsif v_seen is null then
        -- Nobody looked it up in this transaction: the value may be from before any change of the last minutes.
        v_seen := jsonb_build_array(pg_current_snapshot()::text, clock_timestamp());
        v_ttl := least(v_ttl, 300);
    elsif transaction_timestamp() < clock_timestamp() - interval '5 minutes' then
        -- core.cache_purge_expired keeps invalidations only a little longer
        return;
    end if;

    insert into core.cache_entries as e (tenant_id, key, variant, value, tags, seen, seen_at, xid, created_at, expires_at)
    values (p_room, p_name || ':' || p_key, p_variant, p_value, array_remove(p_tags || v_policy.tag, null),
            (v_seen ->> 0)::pg_snapshot, (v_seen ->> 1)::timestamptz, pg_current_xact_id(),
            clock_timestamp(), clock_timestamp() + v_ttl * interval '1 second')
    on conflict (tenant_id, key, variant) do update
       set value = excluded.value,
           tags = excluded.tags,
           seen = excluded.seen,
           seen_at = excluded.seen_at,
           xid = excluded.xid,
           created_at = excluded.created_at,
           expires_at = excluded.expires_at;
exception
    when lock_not_available then
        null;
end
$fn$;

alter function core.cache_write(uuid, text, text, text, jsonb, text[], integer) owner to app_definer;
revoke execute on function core.cache_write(uuid, text, text, text, jsonb, text[], integer) from public;

comment on function core.cache_write(uuid, text, text, text, jsonb, text[], integer) is
    'Keep a value in a room (a tenant, or a person). Stores nothing in a read-only transaction, one older than five minutes, or while '
    'another writes the entry. Internal. Idempotent. Errors: P0002 no such policy.';
