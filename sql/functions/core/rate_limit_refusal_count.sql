create or replace function core.rate_limit_refusal_count() returns bigint
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select case when s.is_called then s.last_value else 0 end from core.rate_limit_refusals as s;
end;

alter function core.rate_limit_refusal_count() owner to app_definer;
revoke execute on function core.rate_limit_refusal_count() from public;
grant execute on function core.rate_limit_refusal_count() to app_monitor, app_platform_admin;

comment on function core.rate_limit_refusal_count() is
    'Requests refused under all policies since the server last crashed, also those whose transaction was undone. Reads only. Errors: none.';
