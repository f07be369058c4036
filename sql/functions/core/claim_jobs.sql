create or replace function core.claim_jobs(p_worker text, p_limit integer default 10, p_queue text default 'default', p_types text[] default null)
returns table (
    lease_id bigint, id uuid, tenant_id uuid, queue text, job_type text, payload jsonb, status text, priority integer, retry_count integer,
    max_retries integer, scheduled_at timestamptz, started_at timestamptz, created_at timestamptz, locked_by text,
    lease_expires_at timestamptz, lease_seconds integer
)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_lease core.job_leases;
begin
    for lease_id, id, tenant_id, queue, job_type, payload, priority, retry_count, max_retries, scheduled_at, created_at, lease_seconds in
        select * from core.next_jobs(p_worker, p_limit, p_queue, p_types)
    loop
        if v_lease.id is null then
            select l.* into v_lease from core.job_leases as l where l.id = lease_id;
        end if;
        status := 'processing';
        started_at := v_lease.claimed_at;
        locked_by := v_lease.worker;
        lease_expires_at := v_lease.lease_until;
        return next;
    end loop;
end
$fn$;

alter function core.claim_jobs(text, integer, text, text[]) owner to app_definer;
revoke execute on function core.claim_jobs(text, integer, text, text[]) from public;
grant execute on function core.claim_jobs(text, integer, text, text[]) to app_worker;

comment on function core.claim_jobs(text, integer, text, text[]) is
    'Claim up to p_limit due jobs of a queue, in the order to run them, under one lease: highest priority first, then what has waited '
    'longest. Each call claims other jobs. core.next_jobs also settles the jobs before. Errors: PT400 no worker or a limit out of range, '
    'PT422 unknown queue.';
