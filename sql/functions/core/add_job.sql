-- The one door into the queue for a single job. Who may name a tenant, or an internal type, is decided before: by core.enqueue,
-- core.enqueue_for and definer functions, whose rights and search path it works with. A definer function of its own would cost a tenth of
-- the job.

-- dbkit: allow function_search_path_mutable because its callers set it, and only app_definer may call it
create or replace function core.add_job(
    p_tenant uuid, p_user uuid, p_job_type text, p_payload jsonb, p_priority integer, p_run_at timestamptz, p_dedupe_key text, p_queue text,
    p_is_internal boolean
) returns uuid
    language plpgsql volatile
as $fn$
declare
    v_now  timestamptz := clock_timestamp();
    -- now() is when the transaction began: taken by its word, a job of a long transaction would be due before those already served
    v_at   timestamptz := case when p_run_at is null or p_run_at = now() then v_now else p_run_at end;
    v_id   uuid := core.new_job_id(v_now);
    v_key  uuid;
    v_type record;
    v_lane core.queue_lanes;
    v_tag  bigint;
    v_priority integer;
begin
    -- in one statement: what a small function costs is mostly the number of its statements
    select t.max_retries, t.lease_seconds, t.required_keys, t.is_internal, q.is_fair, l.id as lane_id, l.mark,
           case when q.is_fair then sign(coalesce(p_priority, t.default_priority)) else coalesce(p_priority, t.default_priority) end as priority
      into v_type
      from core.job_types as t
     cross join core.queues as q
      left join core.queue_lanes as l
             on l.queue = q.name
            and l.priority = case when q.is_fair then 0 else coalesce(p_priority, t.default_priority) end
     where t.job_type = p_job_type
       and q.name = p_queue;
    if not found or v_type.is_internal and not p_is_internal
       or p_payload is null or jsonb_typeof(p_payload) <> 'object' or not p_payload ?& v_type.required_keys
       -- one value, however the argument is stored
       or pg_column_size(p_payload || '{}') > 102400
       or not core.is_plain_json(p_payload)
       -- what every calendar can say: one time no worker or sweep can count with would stop them all, for everybody
       or p_run_at not between '1970-01-01+00' and '9999-01-01+00'
       or octet_length(p_dedupe_key) > 2000
       or not p_is_internal and p_priority not between -1000 and 1000
    then
        perform core.refuse_payload(p_job_type, p_payload, p_is_internal);
        perform core.refuse_run_at(p_run_at);
        perform core.refuse_priority(p_priority, p_is_internal);
        if octet_length(p_dedupe_key) > 2000 then
            perform core.raise_error('PT422', 'invalid', 'A dedupe key has at most 2,000 bytes.', '{"dedupe_key": "must not be longer than 2000 bytes"}');
        end if;
        perform core.raise_error('PT422', 'invalid', 'There is no queue of this name.', '{"queue": "unknown"}');
    end if;
    v_priority := v_type.priority;
    v_lane.id := v_type.lane_id;
    v_lane.mark := v_type.mark;
    if v_lane.id is null then
        v_lane := core.lane_of(p_queue, v_priority);
    end if;
    -- the tenant stays until this transaction has ended, as a foreign key would have it
    perform from core.tenants as t where t.id = p_tenant for key share;
    if p_tenant is not null and not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such tenant.');
    end if;

    if p_dedupe_key is not null then
        loop
            insert into core.job_keys (job_id, tenant_id, job_type, dedupe_key)
            values (v_id, p_tenant, p_job_type, p_dedupe_key)
            on conflict (tenant_id, job_type, dedupe_key) do nothing;
            exit when found;
            select k.job_id into v_key
              from core.job_keys as k
             where k.tenant_id is not distinct from p_tenant and k.job_type = p_job_type and k.dedupe_key = p_dedupe_key;
            if found then
                return v_key;
            end if;
            -- its job ended in between, so the key is free again
        end loop;
    end if;

    if v_at > v_now then
        insert into core.jobs_scheduled (
            scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key, payload)
        values (v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds, v_id, p_tenant, p_user, p_job_type, p_dedupe_key, p_payload);
        return v_id;
    end if;

    if v_type.is_fair then
        v_tag := (core.fair_places(v_lane, p_tenant, v_priority))[1];
    else
        v_tag := core.epoch_us(v_at);
        -- a job that was due before those being served: claims have to begin with it
        if v_tag < pg_sequence_last_value(v_lane.mark) then
            perform setval(v_lane.mark, v_tag);
        end if;
    end if;
    insert into core.jobs_ready (
        tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key, payload)
    values (v_tag, v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds, v_id, p_tenant, p_user, p_job_type, p_dedupe_key, p_payload);
    perform core.wake_workers(p_queue);
    return v_id;
end
$fn$;

revoke execute on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text, boolean) from public;
grant execute on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text, boolean) to app_definer;

comment on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text, boolean) is
    'Put a job into a queue, for the functions that know whose it is. With a dedupe key that a pending or processing job of the tenant holds, '
    'the id of that job comes back and nothing is added. p_is_internal: a function of the database asks, so the type may be an internal one. '
    'Each call without such a key adds a job. Errors: PT403 it is and may not, PT404 no such tenant, PT422 unknown type or queue, payload '
    'without a required key, a time not between 1970 and 9999, dedupe key over 2,000 bytes, and where no function of the database asks, a '
    'priority beyond 1,000.';
