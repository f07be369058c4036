-- Version 7: ids of one day lie together in the index, and core.find_job knows from the id when to begin looking.

create or replace function core.new_job_id(p_at timestamptz) returns uuid
    language sql volatile parallel safe
return (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16))::uuid;

revoke execute on function core.new_job_id(timestamptz) from public;
grant execute on function core.new_job_id(timestamptz) to app_definer;

comment on function core.new_job_id(timestamptz) is 'A random id that begins with the time (UUID version 7). Another with each call. Errors: none.';
