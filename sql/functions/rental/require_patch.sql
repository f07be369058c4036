-- rental.require_patch: a patch is an object that names only columns it may change.

create or replace function rental.require_patch(p_patch jsonb, p_allowed text[]) returns void
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_unknown jsonb;
begin
    if p_patch is null or jsonb_typeof(p_patch) <> 'object' then
        perform core.raise_error('PT400', 'bad_request', 'The patch is not a JSON object.');
    end if;

    select jsonb_object_agg(k.key, 'cannot be changed')
      into v_unknown
      from jsonb_object_keys(p_patch) as k (key)
     where k.key <> all (p_allowed);

    if v_unknown is not null then
        perform core.raise_error('PT422', 'invalid', 'The patch names columns that cannot be changed.', v_unknown::text);
    end if;
end
$fn$;

revoke execute on function rental.require_patch(jsonb, text[]) from public;
grant execute on function rental.require_patch(jsonb, text[]) to app_user, app_definer;

comment on function rental.require_patch(jsonb, text[]) is
    'Check that a patch is a JSON object with allowed keys only. Computes only. Errors: PT400 not an object, PT422 unknown '
    'keys, named in the hint.';
