-- Ahead of time and outside the path of claims. A day that already has rows in the default partition stays there.

create or replace function core.ensure_job_partitions(p_days integer default 7) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    -- who waits for a lock of the parent makes all claims wait behind it
    set lock_timeout = '250ms'
as $fn$
declare
    v_day     date;
    v_parent  text;
    v_name    text;
    v_count   integer := 0;
    -- lz4 takes a tenth of pglz's time, which is a tenth of a claim's; a server may be built without it
    v_has_lz4 boolean := (select 'lz4' = any (s.enumvals) from pg_settings as s where s.name = 'default_toast_compression');
begin
    if not pg_try_advisory_xact_lock(1685874539, 0) then
        return 0;
    end if;
    for v_day, v_parent in
        select (clock_timestamp() at time zone 'UTC')::date + day, parent
          from generate_series(0, p_days) as day cross join unnest(array['job_envelopes', 'jobs_done']) as parent
    loop
        v_name := v_parent || to_char(v_day, '"_"YYYYMMDD');
        continue when to_regclass('core.' || v_name) is not null;
        begin
            continue when v_parent = 'job_envelopes' and exists (
                    select from core.job_envelopes_default as d
                     where d.claimed_at >= v_day::timestamp at time zone 'UTC' and d.claimed_at < (v_day + 1)::timestamp at time zone 'UTC')
                or v_parent = 'jobs_done' and exists (
                    select from core.jobs_done_default as d
                     where d.claimed_at >= v_day::timestamp at time zone 'UTC' and d.claimed_at < (v_day + 1)::timestamp at time zone 'UTC');
            execute format(
                'create table core.%I partition of core.%I for values from (%L) to (%L)',
                v_name, v_parent, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
            execute format('alter table core.%I enable row level security, force row level security', v_name);
            execute format('create policy system_all on core.%I for all to app_owner, app_definer using (true) with check (true)', v_name);
            execute format('comment on policy system_all on core.%I is %L', v_name, 'Owner and definer functions see every row.');
            execute format('comment on table core.%I is %L', v_name, 'One day of core.' || v_parent || '.');
            if v_parent = 'job_envelopes' and v_has_lz4 then
                execute format('alter table core.%I alter column jobs set compression lz4', v_name);
            end if;
            v_count := v_count + 1;
        exception
            -- somebody works there: the next call tries again, and until then there is the default partition
            when lock_not_available then exit;
            when check_violation then null;
        end;
    end loop;
    return v_count;
end
$fn$;

alter function core.ensure_job_partitions(integer) owner to app_definer;
revoke execute on function core.ensure_job_partitions(integer) from public;

comment on function core.ensure_job_partitions(integer) is
    'Make the queue''s day partitions from today to p_days ahead. Returns how many were new. Idempotent, and safe in parallel. Errors: none.';
