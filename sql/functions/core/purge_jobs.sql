-- History leaves by whole days. The parent's lock is asked for with little patience, since whoever waits for it makes all claims wait, and
-- last, since whoever has it does so until the transaction ends.

create or replace function core.purge_jobs(p_keep interval default '30 days') returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '250ms'
as $fn$
declare
    v_before timestamptz := clock_timestamp() - p_keep;
    v_day    text;
    v_start  timestamptz;
    v_days   text[] := '{}';
    v_counts bigint[] := '{}';
    v_count  bigint;
    v_jobs   bigint;
begin
    if p_keep is null or p_keep < interval '0' then
        perform core.raise_error('PT400', 'bad_request', 'A period to keep jobs is zero or more.');
    end if;
    if not pg_try_advisory_xact_lock(1685874540, 0) then
        return 0;
    end if;
    for v_day in
        select right(c.relname, 8)
          from pg_inherits as i
          join pg_class as c on c.oid = i.inhrelid
         where i.inhparent = 'core.job_envelopes'::regclass and c.relname ~ '^job_envelopes_[0-9]{8}$'
         order by c.relname
    loop
        v_start := to_date(v_day, 'YYYYMMDD')::timestamp at time zone 'UTC';
        continue when v_start + interval '1 day' > v_before
            or exists (select from core.job_leases as l where l.claimed_at >= v_start and l.claimed_at < v_start + interval '1 day');
        begin
            execute format('select coalesce(sum(cardinality(e.jobs)), 0) from core.%I as e', 'job_envelopes_' || v_day) into v_jobs;
            v_days := v_days || v_day;
            v_counts := v_counts || v_jobs;
        exception
            when lock_not_available then null;
        end;
    end loop;
    begin
        with gone as (
            delete from core.job_envelopes_default as e
             where e.claimed_at < v_before
               and not exists (select from core.job_leases as l where l.id = e.id and l.claimed_at = e.claimed_at)
         returning cardinality(e.jobs) as jobs
        ), outcome as (
            delete from core.jobs_done_default as d
             where d.claimed_at < v_before
               and not exists (select from core.job_leases as l where l.id = d.lease_id and l.claimed_at = d.claimed_at)
        ), dead as (
            delete from core.jobs_dead as x
             where x.ctid = any (array(
                    select old.ctid
                      from core.jobs_dead as old
                     where old.finished_at < v_before
                       -- whoever holds one brings it back, or leaves it for the next call
                       for update skip locked))
         returning 1 as jobs
        )
        select (select coalesce(sum(gone.jobs), 0) from gone) + (select count(*) from dead) into v_count;
    exception
        -- somebody makes a partition, and has the default one until then: the next call forgets what is in it
        when lock_not_available then v_count := 0;
    end;

    perform core.ensure_job_partitions();
    for v_day, v_jobs in select old.day, old.jobs from unnest(v_days, v_counts) as old (day, jobs) loop
        begin
            execute format('drop table if exists core.%I', 'job_envelopes_' || v_day);
            execute format('drop table if exists core.%I', 'jobs_done_' || v_day);
            v_count := v_count + v_jobs;
        exception
            when lock_not_available then null;
        end;
    end loop;
    return v_count;
end
$fn$;

alter function core.purge_jobs(interval) owner to app_definer;
revoke execute on function core.purge_jobs(interval) from public;

comment on function core.purge_jobs(interval) is
    'Forget jobs that ended longer ago than p_keep: days of finished ones as whole partitions, failed and cancelled ones by row. Returns how '
    'many. Idempotent, and safe in parallel: one caller at a time, the others get 0; a day somebody reads, or a job somebody holds, is left for the next call. Errors: PT400 no period.';
