create or replace function core.cache_invalidate_prefix(p_prefix text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_prefix is null then
        perform core.raise_error('PT400', 'bad_request', 'A prefix is needed.');
    end if;
    return core.cache_forget(null, p_prefix, null);
end
$fn$;

alter function core.cache_invalidate_prefix(text) owner to app_definer;
revoke execute on function core.cache_invalidate_prefix(text) from public;
grant execute on function core.cache_invalidate_prefix(text) to app_user;

comment on function core.cache_invalidate_prefix(text) is
    'Forget the entries of the active tenant and the person whose policy and key begin with a prefix: ''customers:'' is all of that policy. Not a pattern. Takes effect with the transaction; returns how many entries were removed. Idempotent. Errors: PT400 no prefix, PT401 nobody is signed in.';
