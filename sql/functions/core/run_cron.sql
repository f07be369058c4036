-- Body and log entry commit together, so a crash leaves neither and the job is still due. A failing body is undone by itself and
-- logged. The command comes from core.cron_jobs, which only the owner writes, and its CHECK leaves one function call.

create or replace function core.run_cron(p_name text, p_due_at timestamptz default null) returns core.cron_runs
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_job     core.cron_status;
    v_run     core.cron_runs;
    v_started timestamptz;
    v_ok      boolean := true;
    v_result  text;
begin
    select * into v_job from core.cron_status as s where s.name = p_name;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no scheduled job of this name.');
    end if;
    if v_job.run_mode = 'bare' then
        perform core.raise_error('PT422', 'invalid', 'This job may not run in a transaction.', '{"run": "dbkit cron run"}');
    end if;
    if not v_job.is_installed then
        perform core.raise_error(
            'PT503', 'unavailable', 'The function of this job is not installed.', jsonb_build_object('function', v_job.target)::text);
    end if;

    -- Held to the end of the transaction: two bodies of one job never run at once.
    if not pg_try_advisory_xact_lock(hashtextextended('core.cron:' || p_name, 0)) then
        return null;
    end if;
    if p_due_at is not null
        and exists (select from core.cron_runs as r where r.name = p_name and r.started_at >= p_due_at) then
        return null;
    end if;

    v_started := clock_timestamp();
    begin
        -- One line for each row of a body that returns several, those that name an error first: a body that goes on after a part of it
        -- failed has failed all the same.
        execute format(
            $sql$
            select string_agg(body.line, e'\n' order by body.is_ok, body.number), coalesce(bool_and(body.is_ok), true)
              from (select told.line::text as line,
                           to_jsonb(told) #>> '{line,error}' is null as is_ok,
                           row_number() over () as number
                      from (%s) as told (line)) as body
            $sql$, v_job.command)
           into v_result, v_ok;
    exception
        when others or query_canceled then
            v_ok := false;
            v_result := sqlstate || ' ' || sqlerrm;
    end;
    insert into core.cron_runs (name, started_at, finished_at, ok, rows_affected, message)
    values (
        p_name, v_started, clock_timestamp(), v_ok,
        case when v_ok and v_result ~ '^\d{1,18}$' then v_result::bigint end,
        left(nullif(v_result, ''), 1000))
    returning * into v_run;
    return v_run;
end
$fn$;

alter function core.run_cron(text, timestamptz) owner to app_definer;
revoke execute on function core.run_cron(text, timestamptz) from public;

comment on function core.run_cron(text, timestamptz) is
    'Run a scheduled job now and log it; what pg_cron and dbkit cron call, as the login that migrates. With p_due_at it does nothing when a '
    'run began then or later, so several schedulers run a slot once. A failure is logged, not raised (ok is false). Null: it runs elsewhere '
    'right now, or the slot is done. A body may return rows: the run is not ok where one has a column error that is not null. Errors: '
    'PT404 no such job, PT422 a bare job, PT503 its function is not installed.';
