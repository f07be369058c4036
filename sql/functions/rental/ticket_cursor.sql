-- rental.ticket_cursor: where the page after this ticket starts.

create or replace function rental.ticket_cursor(p_ticket rental.tickets) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.encode_cursor(jsonb_build_object('created_at', p_ticket.created_at, 'id', p_ticket.id));
end
$fn$;

revoke execute on function rental.ticket_cursor(rental.tickets) from public;
grant execute on function rental.ticket_cursor(rental.tickets) to app_renter;

comment on function rental.ticket_cursor(rental.tickets) is
    'The cursor of the page after this ticket, for rental.portal_tickets(). Computes only, no errors of its own.';
