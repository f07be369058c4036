-- Rows another run holds are that run's: two at once share the work and neither waits.

create or replace function storage.purge_stale() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_objects integer;
    v_grants  integer;
begin
    delete from storage.objects as o
     where o.id = any (array(
        select stale.id
          from storage.objects as stale
         where stale.state <> 'uploaded'
           and stale.updated_at < clock_timestamp() - interval '24 hours'
           for update skip locked));
    get diagnostics v_objects = row_count;
    delete from storage.access_grants as g
     where g.token_hash = any (array(
        select stale.token_hash
          from storage.access_grants as stale
         where stale.expires_at < clock_timestamp()
           for update skip locked));
    get diagnostics v_grants = row_count;
    return v_objects + v_grants;
end
$fn$;

alter function storage.purge_stale() owner to app_definer;
revoke execute on function storage.purge_stale() from public;
grant execute on function storage.purge_stale() to app_owner;

comment on function storage.purge_stale() is
    'Drop reservations nobody finished and files deleted more than 24 hours ago, and tokens that expired; returns how many rows. '
    'Idempotent, safe in parallel. For cron. Errors: none.';
