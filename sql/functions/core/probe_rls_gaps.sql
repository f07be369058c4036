create or replace function core.probe_rls_gaps(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select count(*) from core.rls_coverage as c where not (c.rls_enabled and c.rls_forced and c.policy_count > 0));
end
$fn$;

revoke execute on function core.probe_rls_gaps(integer, text) from public;
grant execute on function core.probe_rls_gaps(integer, text) to app_definer;

comment on function core.probe_rls_gaps(integer, text) is
    'Probe: tables without row security, without force or without a policy. Errors: none.';
