-- rental.list_contractors: a page of the landlord's address book.

create or replace function rental.list_contractors(p_page integer default 1, p_limit integer default 50) returns jsonb
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
        'contractors', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', c.id,
                           'name', c.name,
                           'trade', c.trade,
                           'email', c.email,
                           'phone', c.phone,
                           'is_active', c.is_active)
                       order by c.name, c.id)
              from (
                  select c.id, c.name, c.trade, c.email, c.phone, c.is_active
                    from rental.contractors as c
                   order by c.name, c.id
                   limit v_limit offset v_offset
              ) as c), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (select count(*) from rental.contractors)));
end
$fn$;

revoke execute on function rental.list_contractors(integer, integer) from public;
grant execute on function rental.list_contractors(integer, integer) to app_user;

comment on function rental.list_contractors(integer, integer) is
    'A page of the landlord''s contractors by name, as {contractors, pagination}. Reads only. Errors: PT400 page below 1, '
    'PT401 not signed in, PT403 no landlord in the context.';
