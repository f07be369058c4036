-- rental.authorize_tenant: the gate in front of every change to a renter.

create or replace function rental.authorize_tenant(p_tenant_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    -- The lock keeps the row, and with it this answer, until the caller's write commits.
    perform
      from rental.tenants as t
     where t.id = p_tenant_id
       for key share;

    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The renter does not exist or is not yours.');
    end if;
end
$fn$;

revoke execute on function rental.authorize_tenant(uuid) from public;
grant execute on function rental.authorize_tenant(uuid) to app_user;

comment on function rental.authorize_tenant(uuid) is
    'Check that the renter is the landlord''s own and hold it until the transaction ends. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such renter or not yours.';
