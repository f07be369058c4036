-- What core.cache_invalidate, _tag and _prefix have in common. The note makes entries stale, also those that are being computed; removing
-- them is housekeeping, and skips what another transaction holds.

create or replace function core.cache_forget(p_tag text, p_prefix text, p_key text) returns integer
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user    uuid := core.require_user();
    v_rooms   uuid[] := array_remove(array[core.active_tenant_id(), v_user], null);
    v_removed integer;
begin
    -- longer than core.cache_set lets any be, and than an index takes
    if length(coalesce(p_tag, p_prefix, p_key)) > 600 then
        return 0;
    end if;
    insert into core.cache_invalidations (tenant_id, tag, prefix)
    select distinct room.id, coalesce(p_tag, 'key:' || p_key, '*'), coalesce(p_prefix, '')
      from unnest(v_rooms) as room (id)
    on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();

    delete from core.cache_entries as e
     where e.ctid = any (array(
               select gone.ctid
                 from core.cache_entries as gone
                where gone.tenant_id = any (v_rooms)
                  and (gone.key = p_key or starts_with(gone.key, p_prefix) or p_tag = any (gone.tags))
                  for update skip locked));
    get diagnostics v_removed = row_count;
    return v_removed;
end
$fn$;

alter function core.cache_forget(text, text, text) owner to app_definer;
revoke execute on function core.cache_forget(text, text, text) from public;

comment on function core.cache_forget(text, text, text) is
    'Invalidate the caller''s entries by tag, prefix or key, whichever is not null; returns how many were removed. Internal. Idempotent. '
    'Errors: PT401 nobody is signed in.';
