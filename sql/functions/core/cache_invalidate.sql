create or replace function core.cache_invalidate(p_key text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_key is null then
        perform core.raise_error('PT400', 'bad_request', 'An entry is named by its policy and key, e.g. customers:1.');
    end if;
    return core.cache_forget(null, null, p_key);
end
$fn$;

alter function core.cache_invalidate(text) owner to app_definer;
revoke execute on function core.cache_invalidate(text) from public;
grant execute on function core.cache_invalidate(text) to app_user;

comment on function core.cache_invalidate(text) is
    'Forget one entry of the active tenant or the person, in all its variants, by policy and key: ''customers:1''. Takes effect with the transaction; returns how many entries were removed. Idempotent. Errors: PT400 no key, PT401 nobody is signed in.';
