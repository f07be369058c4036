-- One statement, so a crash loses nothing and a second run beside it finds nothing left. Readers never wait for it.

create or replace function core.purge_outbox(p_keep interval default '7 days') returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_purged bigint;
begin
    if p_keep is null or p_keep < '0' then
        perform core.raise_error('PT400', 'bad_request', 'Events are kept for an interval that is not negative.');
    end if;

    delete from core.outbox_events as e where e.published_at < clock_timestamp() - p_keep;
    get diagnostics v_purged = row_count;
    return v_purged;
end
$fn$;

alter function core.purge_outbox(interval) owner to app_definer;
revoke execute on function core.purge_outbox(interval) from public;
grant execute on function core.purge_outbox(interval) to app_owner;

comment on function core.purge_outbox(interval) is
    'Delete events published longer ago than p_keep (7 days), from all tenants, and return how many. Idempotent, safe in parallel. '
    'For cron. Errors: PT400 no interval, or a negative one.';
