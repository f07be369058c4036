-- rental.list_units: a page of the landlord's units.

create or replace function rental.list_units(p_page integer default 1, p_limit integer default 50) returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_limit  integer;
    v_offset integer;
begin
    perform core.require_tenant();
    select p.lim, p.off into v_limit, v_offset from core.page(p_page, p_limit) as p;

    return jsonb_build_object(
        'units', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', u.id,
                           'name', u.name,
                           'address1', u.address1,
                           'city', u.city,
                           'state', u.state,
                           'postal_code', u.postal_code)
                       order by u.name, u.id)
              from (
                  select u.id, u.name, u.address1, u.city, u.state, u.postal_code
                    from rental.units as u
                   order by u.name, u.id
                   limit v_limit offset v_offset
              ) as u), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (select count(*) from rental.units)));
end
$fn$;

revoke execute on function rental.list_units(integer, integer) from public;
grant execute on function rental.list_units(integer, integer) to app_user;

comment on function rental.list_units(integer, integer) is
    'A page of the landlord''s units by name, as {units, pagination}. Reads only. Errors: PT400 page below 1, PT401 not '
    'signed in, PT403 no landlord in the context.';
