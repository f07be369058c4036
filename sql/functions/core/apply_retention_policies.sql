-- One table that cannot be cleaned does not keep the others from it; it is named in a warning and in the result, by which core.run_cron
-- knows that the run failed.

create or replace function core.apply_retention_policies() returns table (table_name text, removed bigint, error text)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    for table_name in
        select p.table_name from core.retention_policies as p where to_regclass(p.table_name) is not null order by p.table_name
    loop
        begin
            removed := core.apply_retention(table_name::regclass);
            error := null;
        exception
            when others then
                removed := 0;
                get stacked diagnostics error = pg_exception_detail;
                error := concat_ws(': ', sqlerrm, nullif(error, ''));
                raise warning 'retention of % failed: %', table_name, error;
        end;
        return next;
    end loop;
end
$fn$;

alter function core.apply_retention_policies() owner to app_definer;
revoke execute on function core.apply_retention_policies() from public;
grant execute on function core.apply_retention_policies() to app_owner;

comment on function core.apply_retention_policies() is
    'core.apply_retention for every table that has a policy and exists; what failed is named, the rest goes on. Idempotent. For cron. '
    'Errors: none.';
