-- rental.list_tenants: a page of the landlord's renters.

create or replace function rental.list_tenants(
    p_page    integer default 1,
    p_limit   integer default 50,
    p_unit_id uuid default null
) returns jsonb
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
        'tenants', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', t.id,
                           'first_name', t.first_name,
                           'last_name', t.last_name,
                           'email', t.email,
                           'phone', t.phone,
                           'unit_id', t.unit_id)
                       order by t.last_name, t.first_name, t.id)
              from (
                  select t.id, t.first_name, t.last_name, t.email, t.phone, t.unit_id
                    from rental.tenants as t
                   where p_unit_id is null or t.unit_id = p_unit_id
                   order by t.last_name, t.first_name, t.id
                   limit v_limit offset v_offset
              ) as t), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (
            select count(*)
              from rental.tenants as t
             where p_unit_id is null or t.unit_id = p_unit_id)));
end
$fn$;

revoke execute on function rental.list_tenants(integer, integer, uuid) from public;
grant execute on function rental.list_tenants(integer, integer, uuid) to app_user;

comment on function rental.list_tenants(integer, integer, uuid) is
    'A page of the landlord''s renters by name, of one unit or of all, as {tenants, pagination}. Reads only. Errors: PT400 '
    'page below 1, PT401 not signed in, PT403 no landlord in the context.';
