create or replace function core.cache_invalidate_tag(p_tag text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_tag is null then
        perform core.raise_error('PT400', 'bad_request', 'A tag is needed.');
    end if;
    return core.cache_forget(p_tag, null, null);
end
$fn$;

alter function core.cache_invalidate_tag(text) owner to app_definer;
revoke execute on function core.cache_invalidate_tag(text) from public;
grant execute on function core.cache_invalidate_tag(text) to app_user;

comment on function core.cache_invalidate_tag(text) is
    'Forget the entries of the active tenant and the person that carry a tag. Takes effect with the transaction; returns how many entries were removed. Idempotent. Errors: PT400 no tag, PT401 nobody is signed in.';
