-- rental.authorize_ticket: the gate in front of every change to a ticket.

create or replace function rental.authorize_ticket(p_ticket_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    -- The lock keeps the row, and with it this answer, until the caller's write commits.
    perform
      from rental.tickets as t
     where t.id = p_ticket_id
       for key share;

    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The ticket does not exist or is not yours.');
    end if;
end
$fn$;

revoke execute on function rental.authorize_ticket(uuid) from public;
grant execute on function rental.authorize_ticket(uuid) to app_user;

comment on function rental.authorize_ticket(uuid) is
    'Check that the ticket is the landlord''s own and hold it until the transaction ends. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such ticket or not yours.';
