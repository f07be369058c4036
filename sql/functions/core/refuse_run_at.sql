-- Said once for core.add_job, which asks by itself whether it has to be said, and core.enqueue_many.

create or replace function core.refuse_run_at(p_run_at timestamptz) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_run_at not between '1970-01-01+00' and '9999-01-01+00' then
        perform core.raise_error('PT422', 'invalid', 'A job is due at a time between the years 1970 and 9999.', '{"run_at": "must be between 1970 and 9999"}');
    end if;
end
$fn$;

alter function core.refuse_run_at(timestamptz) owner to app_definer;
revoke execute on function core.refuse_run_at(timestamptz) from public;

comment on function core.refuse_run_at(timestamptz) is
    'Stop where a job should be due at infinity or in a year that not every client can count with; null passes. Errors: PT422.';
