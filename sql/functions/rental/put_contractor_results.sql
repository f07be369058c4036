-- rental.put_contractor_results: keep what a search for contractors found for a ticket.

create or replace function rental.put_contractor_results(p_ticket_id uuid, p_results jsonb)
    returns rental.contractor_search_results
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_row rental.contractor_search_results;
begin
    -- First searches of one ticket queue here, so that the second finds the row of the first.
    perform
      from rental.tickets as t
     where t.id = p_ticket_id
       for no key update;
    perform rental.authorize_ticket(p_ticket_id);
    if p_results is null or jsonb_typeof(p_results) <> 'array' then
        perform core.raise_error('PT422', 'invalid', 'Search results are a JSON array.', '{"results": "is not an array"}');
    end if;

    update rental.contractor_search_results as r
       set results = p_results
     where r.id = (
               select newest.id
                 from rental.contractor_search_results as newest
                where newest.ticket_id = p_ticket_id
                order by newest.updated_at desc, newest.id
                limit 1)
    returning r.* into v_row;
    if found then
        return v_row;
    end if;

    insert into rental.contractor_search_results as r
        (owner_user_id, ticket_id, results)
    values
        (core.require_tenant(), p_ticket_id, p_results)
    returning r.* into v_row;
    return v_row;
end
$fn$;

revoke execute on function rental.put_contractor_results(uuid, jsonb) from public;
grant execute on function rental.put_contractor_results(uuid, jsonb) to app_user;

comment on function rental.put_contractor_results(uuid, jsonb) is
    'Store the search results of an own ticket in place of earlier ones and return the row. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such ticket or not yours, PT422 not an array.';
