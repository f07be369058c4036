-- rental.authorize_unit: the gate in front of every change to a unit.

create or replace function rental.authorize_unit(p_unit_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    -- The lock keeps the row, and with it this answer, until the caller's write commits.
    perform
      from rental.units as t
     where t.id = p_unit_id
       for key share;

    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The unit does not exist or is not yours.');
    end if;
end
$fn$;

revoke execute on function rental.authorize_unit(uuid) from public;
grant execute on function rental.authorize_unit(uuid) to app_user;

comment on function rental.authorize_unit(uuid) is
    'Check that the unit is the landlord''s own and hold it until the transaction ends. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such unit or not yours.';
