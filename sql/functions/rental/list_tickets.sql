-- rental.list_tickets: a page of the tickets the caller may see: a landlord's, or a renter's own.

create or replace function rental.list_tickets(
    p_page    integer default 1,
    p_limit   integer default 50,
    p_status  text default null,
    p_unit_id uuid default null
) returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_limit  integer;
    v_offset integer;
begin
    -- Renters act without a tenant; for everyone else no tenant means no landlord, which is an error and not an empty list.
    if current_user = 'app_renter' then
        perform core.require_user();
    else
        perform core.require_tenant();
    end if;
    select p.lim, p.off into v_limit, v_offset from core.page(p_page, p_limit) as p;

    return jsonb_build_object(
        'tickets', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', t.id,
                           'title', t.title,
                           'status', t.status,
                           'priority', t.priority,
                           'unit_id', t.unit_id,
                           'tenant_id', t.tenant_id,
                           'contractor_id', t.contractor_id,
                           'version', t.version,
                           'created_at', t.created_at)
                       order by t.created_at desc, t.id desc)
              from (
                  select t.id, t.title, t.status, t.priority, t.unit_id, t.tenant_id, t.contractor_id, t.version, t.created_at
                    from rental.tickets as t
                   where (p_status is null or t.status = p_status)
                     and (p_unit_id is null or t.unit_id = p_unit_id)
                   order by t.created_at desc, t.id desc
                   limit v_limit offset v_offset
              ) as t), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (
            select count(*)
              from rental.tickets as t
             where (p_status is null or t.status = p_status)
               and (p_unit_id is null or t.unit_id = p_unit_id))));
end
$fn$;

revoke execute on function rental.list_tickets(integer, integer, text, uuid) from public;
grant execute on function rental.list_tickets(integer, integer, text, uuid) to app_user, app_renter;

comment on function rental.list_tickets(integer, integer, text, uuid) is
    'A page of the caller''s tickets, newest first, as {tickets, pagination}. Reads only. Errors: PT400 page below 1, PT401'
    ' not signed in, PT403 no landlord in the context.';
