-- For code that acts for many tenants or for none: bodies of cron jobs, definer functions. No application role may name a tenant.

create or replace function core.enqueue_for(
    p_tenant uuid, p_job_type text, p_payload jsonb default '{}', p_priority integer default null, p_run_at timestamptz default now(),
    p_dedupe_key text default null, p_queue text default 'default'
) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.add_job(p_tenant, null, p_job_type, p_payload, p_priority, p_run_at, p_dedupe_key, p_queue, true);
end
$fn$;

alter function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) owner to app_definer;
revoke execute on function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) from public;

comment on function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) is
    'Queue a job of any type for a tenant, or for the platform (null), from owner and definer code. Each call adds a job, but for dedupe keys '
    'as in core.enqueue. Errors: PT404 no such tenant, PT422 unknown type or queue, payload without a required key or larger than 100 kB, a '
    'time not between 1970 and 9999, dedupe key over 2,000 bytes (in the hint).';
