-- rental.get_contractor_results: the stored search results of a ticket, unless they are stale.

create or replace function rental.get_contractor_results(p_ticket_id uuid, p_max_age interval default '1 day') returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    return (
        select r.results
          from rental.contractor_search_results as r
         where r.ticket_id = p_ticket_id
           and r.updated_at >= now() - p_max_age
         order by r.updated_at desc, r.id
         limit 1);
end
$fn$;

revoke execute on function rental.get_contractor_results(uuid, interval) from public;
grant execute on function rental.get_contractor_results(uuid, interval) to app_user;

comment on function rental.get_contractor_results(uuid, interval) is
    'The newest search results of an own ticket; null when there are none, they are older than p_max_age or the ticket is '
    'not yours. Reads only. Errors: PT401 not signed in, PT403 no landlord in the context.';
