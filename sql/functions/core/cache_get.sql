create or replace function core.cache_get(p_name text, p_key text) returns jsonb
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_where record;
begin
    select c.room, c.variant into v_where from core.cache_room(p_name) as c;
    return core.cache_read(v_where.room, p_name, p_key, v_where.variant);
end
$fn$;

alter function core.cache_get(text, text) owner to app_definer;
revoke execute on function core.cache_get(text, text) from public;
grant execute on function core.cache_get(text, text) to app_user;

comment on function core.cache_get(text, text) is
    'A cached value of the active tenant (or role, user, person, by the policy), null when there is none, it has expired or what it was made '
    'from has changed. After null, compute the value and call core.cache_set in the same transaction. Each call counts as a look-up. '
    'Errors: PT422 no such policy, PT401 nobody is signed in, PT403 no tenant named.';
