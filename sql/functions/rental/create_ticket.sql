-- rental.create_ticket: a landlord, or the renter of the unit, reports something to mend.

create or replace function rental.create_ticket(
    p_unit_id     uuid,
    p_title       text,
    p_description text default null,
    p_priority    text default 'NORMAL'
) returns rental.tickets
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner_id  uuid;
    v_tenant_id uuid;
    v_ticket    rental.tickets;
begin
    perform core.require_user();
    v_owner_id := core.active_tenant_id();

    if v_owner_id is not null and current_user <> 'app_renter' then
        perform rental.authorize_unit(p_unit_id);
    else
        -- Renters need no tenant, and one they are a member of changes nothing: row security leaves them their own units and rows, one per landlord.
        select t.owner_user_id, t.id
          into v_owner_id, v_tenant_id
          from rental.units as u
          join rental.tenants as t
            on t.owner_user_id = u.owner_user_id
         where u.id = p_unit_id
         order by (t.unit_id = u.id) desc nulls last, t.created_at, t.id
         limit 1;
        if not found then
            perform core.raise_error('PT403', 'forbidden', 'The unit does not exist or is not yours.');
        end if;
    end if;

    insert into rental.tickets as t
        (owner_user_id, unit_id, tenant_id, title, description, priority)
    values
        (v_owner_id, p_unit_id, v_tenant_id, p_title, p_description, p_priority)
    returning t.* into v_ticket;
    return v_ticket;
end
$fn$;

revoke execute on function rental.create_ticket(uuid, text, text, text) from public;
grant execute on function rental.create_ticket(uuid, text, text, text) to app_user, app_renter;

comment on function rental.create_ticket(uuid, text, text, text) is
    'Open a ticket for a unit as its landlord or as its renter and return it. Not idempotent. Errors: PT401 not signed in, '
    'PT403 no such unit or not yours, 23502 no title, 23514 unknown priority.';
