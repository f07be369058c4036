-- rental.update_ticket: the landlord changes a ticket, if nobody changed it in between.

create or replace function rental.update_ticket(p_ticket_id uuid, p_patch jsonb, p_version integer) returns rental.tickets
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform rental.authorize_ticket(p_ticket_id);

    return jsonb_populate_record(
        null::rental.tickets,
        core.optimistic_update(
            'rental.tickets', p_ticket_id, p_patch, p_version,
            array['title', 'description', 'status', 'priority', 'contractor_id']));
end
$fn$;

revoke execute on function rental.update_ticket(uuid, jsonb, integer) from public;
grant execute on function rental.update_ticket(uuid, jsonb, integer) to app_user;

comment on function rental.update_ticket(uuid, jsonb, integer) is
    'Change the named columns of an own ticket that still has the version the caller read, and return it. Not idempotent: '
    'the version moves. Errors: PT401 not signed in, PT403 no such ticket or not yours, PT409 version moved, the hint has '
    'the current one, PT422 unknown keys, 23514 unknown status or priority.';
