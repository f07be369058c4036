-- One type, one place, many payloads: what a bulk action needs, for the price of the inserts.

create or replace function core.enqueue_many(
    p_job_type text, p_payloads jsonb[], p_priority integer default null, p_run_at timestamptz default now(), p_queue text default 'default'
) returns uuid[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_tenant   uuid := core.require_tenant();
    v_user     uuid := core.current_user_id();
    v_now      timestamptz := clock_timestamp();
    v_at       timestamptz := case when p_run_at is null or p_run_at = now() then v_now else p_run_at end;
    v_type     core.job_types;
    v_lane     core.queue_lanes;
    v_fair     boolean := (select q.is_fair from core.queues as q where q.name = p_queue);
    v_priority integer;
    v_tag      bigint;
    v_places   bigint[];
    v_wrong    integer;
    v_ids      uuid[];
    -- one random number for the batch: cheaper, and envelopes compress better
    v_base     text := left(core.new_job_id(v_now)::text, 32);
begin
    if p_payloads is null or cardinality(p_payloads) not between 1 and 10000 or array_ndims(p_payloads) <> 1 then
        perform core.raise_error('PT400', 'bad_request', 'A batch has 1 to 10,000 payloads.');
    end if;
    if v_fair is null then
        perform core.raise_error('PT422', 'invalid', 'There is no queue of this name.', '{"queue": "unknown"}');
    end if;
    select t.* into v_type from core.job_types as t where t.job_type = p_job_type;
    select min(job.number)
      into v_wrong
      from unnest(p_payloads) with ordinality as job (payload, number)
     where (jsonb_typeof(job.payload) = 'object' and job.payload ?& v_type.required_keys and pg_column_size(job.payload || '{}') <= 102400
            and core.is_plain_json(job.payload)) is not true;
    if v_wrong is not null or v_type.is_internal then
        perform core.refuse_payload(p_job_type, p_payloads[v_wrong], false);
    end if;
    perform core.refuse_run_at(p_run_at);
    perform core.refuse_priority(p_priority, false);
    v_priority := coalesce(p_priority, v_type.default_priority);
    if v_fair then
        v_priority := sign(v_priority);
    end if;
    v_lane := core.lane_of(p_queue, v_priority);
    perform from core.tenants as t where t.id = v_tenant for key share;

    if v_at > v_now then
        with added as (
            insert into core.jobs_scheduled (
                scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, payload)
            select v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds,
                   (v_base || lpad(to_hex(job.number), 4, '0'))::uuid, v_tenant, v_user, p_job_type, job.payload
              from unnest(p_payloads) with ordinality as job (payload, number)
            returning id)
        select array_agg(added.id) into v_ids from added;
        return v_ids;
    end if;

    v_tag := core.epoch_us(v_at) - 1;
    if v_fair then
        v_places := core.fair_places(v_lane, v_tenant, v_priority, cardinality(p_payloads));
    else
        perform setval(v_lane.mark, v_tag) where v_tag < pg_sequence_last_value(v_lane.mark);
    end if;
    with added as (
        insert into core.jobs_ready (
            tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, payload)
        select coalesce(v_places[job.number], v_tag + job.number), v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds,
               (v_base || lpad(to_hex(job.number), 4, '0'))::uuid, v_tenant, v_user, p_job_type, job.payload
          from unnest(p_payloads) with ordinality as job (payload, number)
        returning id)
    select array_agg(added.id) into v_ids from added;
    perform core.wake_workers(p_queue);
    return v_ids;
end
$fn$;

alter function core.enqueue_many(text, jsonb[], integer, timestamptz, text) owner to app_definer;
revoke execute on function core.enqueue_many(text, jsonb[], integer, timestamptz, text) from public;
grant execute on function core.enqueue_many(text, jsonb[], integer, timestamptz, text) to app_user;

comment on function core.enqueue_many(text, jsonb[], integer, timestamptz, text) is
    'Queue up to 10,000 jobs of one type for the active tenant, all or none, and return their ids in the order of the payloads. Each call '
    'adds them. Errors: PT400 no or too many payloads, PT401 nobody is signed in, PT403 no tenant named or an internal '
    'type, PT422 unknown type or queue, a payload without a required key or larger than 100 kB, a time not between 1970 and 9999, a priority beyond 1,000 (in the hint).';
