create or replace function core.refuse_payload(p_job_type text, p_payload jsonb, p_is_internal boolean) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_is_internal boolean;
    v_missing     jsonb;
begin
    select t.is_internal into v_is_internal from core.job_types as t where t.job_type = p_job_type;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no job type of this name.', '{"job_type": "unknown"}');
    end if;
    if v_is_internal and not p_is_internal then
        perform core.raise_error(
            'PT403', 'forbidden', 'Jobs of this type are queued by functions of the database alone.', '{"job_type": "internal"}');
    end if;
    if p_payload is null or jsonb_typeof(p_payload) <> 'object' then
        perform core.raise_error('PT422', 'invalid', 'The payload of a job is a JSON object.', '{"payload": "must be an object"}');
    end if;
    -- an envelope carries the payloads of a batch, so one that is too large would stop the jobs behind it as well
    if pg_column_size(p_payload || '{}') > 102400 then
        perform core.raise_error('PT422', 'invalid', 'A payload has at most 100 kB: store files elsewhere and name them.', '{"payload": "must not be larger than 100 kB"}');
    end if;
    if not core.is_plain_json(p_payload) then
        perform core.raise_error(
            'PT422', 'invalid', 'A payload has fewer than 100 levels, numbers up to 1e308 and at most 1 MB as text.', '{"payload": "must be readable by every worker"}');
    end if;
    select jsonb_object_agg('payload.' || required.key, 'is required')
      into v_missing
      from core.job_types as t
     cross join unnest(t.required_keys) as required (key)
     where t.job_type = p_job_type and not p_payload ? required.key;
    if v_missing is not null then
        perform core.raise_error('PT422', 'invalid', 'The payload lacks what jobs of this type need.', v_missing::text);
    end if;
end
$fn$;

alter function core.refuse_payload(text, jsonb, boolean) owner to app_definer;
revoke execute on function core.refuse_payload(text, jsonb, boolean) from public;

comment on function core.refuse_payload(text, jsonb, boolean) is
    'Say what is wrong with a type and its payload. Errors: PT403 an internal type that p_is_internal does not allow, PT422 unknown type, '
    'payload that is no object, lacks a required key, is larger than 100 kB, or that not every worker could read (hint).';
