-- A backup nobody restored is a hope.

create or replace function core.probe_restore_age(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(extract(epoch from clock_timestamp() - max(v.verified_at)) / 86400, 'Infinity')
          from core.restore_verifications as v
         where v.ok);
end
$fn$;

revoke execute on function core.probe_restore_age(integer, text) from public;
grant execute on function core.probe_restore_age(integer, text) to app_definer;

comment on function core.probe_restore_age(integer, text) is
    'Probe: days since a backup was restored and compared, Infinity when none ever was. Errors: none.';
