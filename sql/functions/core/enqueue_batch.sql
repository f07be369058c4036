create or replace function core.enqueue_batch(p_jobs jsonb) returns uuid[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_job jsonb;
    v_ids uuid[] := '{}';
begin
    perform core.require_tenant();
    if p_jobs is null or jsonb_typeof(p_jobs) <> 'array' or jsonb_array_length(p_jobs) not between 1 and 10000 then
        perform core.raise_error('PT400', 'bad_request', 'A batch is an array of 1 to 10,000 jobs.');
    end if;
    for v_job in select job.value from jsonb_array_elements(p_jobs) as job
    loop
        if jsonb_typeof(v_job) <> 'object'
           or exists (
               select from jsonb_object_keys(v_job) as key
                where key not in ('job_type', 'payload', 'priority', 'run_at', 'dedupe_key', 'queue')) then
            perform core.raise_error(
                'PT400', 'bad_request', 'A job of a batch is an object with job_type, payload, priority, run_at, dedupe_key and queue only.');
        end if;
        v_ids := v_ids || core.enqueue(
            v_job ->> 'job_type',
            coalesce(v_job -> 'payload', '{}'),
            (v_job ->> 'priority')::integer,
            coalesce((v_job ->> 'run_at')::timestamptz, now()),
            v_job ->> 'dedupe_key',
            coalesce(v_job ->> 'queue', 'default'));
    end loop;
    return v_ids;
end
$fn$;

alter function core.enqueue_batch(jsonb) owner to app_definer;
revoke execute on function core.enqueue_batch(jsonb) from public;
grant execute on function core.enqueue_batch(jsonb) to app_user;

comment on function core.enqueue_batch(jsonb) is
    'Queue jobs of any types for the active tenant, all or none: [{"job_type", "payload", "priority", "run_at", "dedupe_key", "queue"}, …]; '
    'returns their ids in order. Each call adds jobs, but for dedupe keys as in core.enqueue. core.enqueue_many is quicker for many jobs of one '
    'type. Errors: PT400 no array of 1 to 10,000 such objects, 22P02, 22003, 22007 or 22008 a number or time that is none, and those of '
    'core.enqueue.';
