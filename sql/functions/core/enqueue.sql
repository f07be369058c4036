-- In the caller's transaction: the job exists when the business write is committed, and not otherwise.

create or replace function core.enqueue(
    p_job_type text, p_payload jsonb default '{}', p_priority integer default null, p_run_at timestamptz default now(),
    p_dedupe_key text default null, p_queue text default 'default'
) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.active_tenant_id();
    v_user   uuid := core.current_user_id();
begin
    if v_tenant is null or v_user is null then
        -- says which of the two is missing; asked first, it would check the seal twice more
        perform core.require_tenant();
    end if;
    return core.add_job(v_tenant, v_user, p_job_type, p_payload, p_priority, p_run_at, p_dedupe_key, p_queue, false);
end
$fn$;

alter function core.enqueue(text, jsonb, integer, timestamptz, text, text) owner to app_definer;
revoke execute on function core.enqueue(text, jsonb, integer, timestamptz, text, text) from public;
grant execute on function core.enqueue(text, jsonb, integer, timestamptz, text, text) to app_user;

comment on function core.enqueue(text, jsonb, integer, timestamptz, text, text) is
    'Queue a job for the active tenant and return its id. Each call adds one, unless a dedupe key names a pending or processing job of '
    'the tenant: then that one''s id comes back. Errors: PT401 nobody is signed in, PT403 no tenant named or an internal '
    'type, PT422 unknown type or queue, payload without a required key or larger than 100 kB, a time not '
    'between 1970 and 9999, dedupe key over 2,000 bytes, priority beyond 1,000 (in the hint).';
