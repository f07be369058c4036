create or replace function core.cache_set(
    p_name text, p_key text, p_value jsonb, p_tags text[] default '{}', p_ttl_seconds integer default null
) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_where record;
begin
    select c.room, c.variant, (c.policy).priority, (c.policy).is_internal into v_where from core.cache_room(p_name) as c;
    if v_where.priority = 'NEVER' then
        perform core.raise_error('PT422', 'invalid', 'Values of this class are never cached.', '{"name": "is never cached"}');
    elsif v_where.is_internal then
        perform core.raise_error('PT422', 'invalid', 'Values of this class are cached by the database itself.', '{"name": "is internal"}');
    elsif p_key is null or length(p_key) not between 1 and 512 or p_value is null or pg_column_size(p_value) > 1048576
          or p_tags is null or cardinality(p_tags) > 32 or array_position(p_tags, null) is not null
          or exists (select from unnest(p_tags) as tag where length(tag) > 512)
          or p_ttl_seconds <= 0
    then
        perform core.raise_error(
            'PT422', 'invalid', 'An entry has a key of 1 to 512 characters, a value of at most 1 MB, at most 32 tags of 512 and a positive TTL.');
    end if;
    perform core.cache_write(v_where.room, p_name, p_key, v_where.variant, p_value, p_tags, p_ttl_seconds);
end
$fn$;

alter function core.cache_set(text, text, jsonb, text[], integer) owner to app_definer;
revoke execute on function core.cache_set(text, text, jsonb, text[], integer) from public;
grant execute on function core.cache_set(text, text, jsonb, text[], integer) to app_user;

comment on function core.cache_set(text, text, jsonb, text[], integer) is
    'Keep a value for the active tenant (or role, user, person, by the policy), for the policy''s time or p_ttl_seconds, at most a day; without '
    'a core.cache_get of this transaction before, at most five minutes. A hint, not a promise: nothing is stored in a read-only '
    'transaction or while another stores the entry. Idempotent. Errors: PT422 no such policy, one of class NEVER or internal, malformed '
    'key, value, tags or time, PT401 nobody is signed in, PT403 no tenant named.';
