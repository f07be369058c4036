-- rental.portal_tickets: the renter's own tickets, page after page by cursor.

create or replace function rental.portal_tickets(p_limit integer default 50, p_cursor text default null)
    returns setof rental.tickets
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_after jsonb;
    v_limit integer;
begin
    perform core.require_user();
    select p.lim into v_limit from core.page(1, p_limit) as p;
    v_after := core.decode_cursor(p_cursor, '{"created_at": "timestamptz", "id": "uuid"}');

    return query
        select t.*
          from rental.tickets as t
         where (t.created_at, t.id) < (
                   coalesce((v_after ->> 'created_at')::timestamptz, 'infinity'),
                   coalesce((v_after ->> 'id')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
         order by t.created_at desc, t.id desc
         limit v_limit;
end
$fn$;

revoke execute on function rental.portal_tickets(integer, text) from public;
grant execute on function rental.portal_tickets(integer, text) to app_renter;

comment on function rental.portal_tickets(integer, text) is
    'The renter''s own tickets, newest first; the next page starts at rental.ticket_cursor() of the last row. Reads only. '
    'Errors: PT400 bad cursor, PT401 not signed in.';
