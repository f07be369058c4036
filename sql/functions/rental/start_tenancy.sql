-- rental.start_tenancy: the landlord lets a unit to a renter.

create or replace function rental.start_tenancy(
    p_unit_id   uuid,
    p_tenant_id uuid,
    p_start     date,
    p_end       date default null,
    p_rent      numeric default null
) returns rental.tenancies
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenancy rental.tenancies;
begin
    perform rental.authorize_unit(p_unit_id);
    perform rental.authorize_tenant(p_tenant_id);

    -- The trigger _150_refuse_overlap guards direct inserts as well.
    insert into rental.tenancies as l
        (owner_user_id, unit_id, tenant_id, start_date, end_date, rent_amount)
    values
        (core.require_tenant(), p_unit_id, p_tenant_id, p_start, p_end, p_rent)
    returning l.* into v_tenancy;

    if current_date between p_start and coalesce(p_end, 'infinity') then
        update rental.tenants as t
           set unit_id = p_unit_id
         where t.id = p_tenant_id
           and t.unit_id is distinct from p_unit_id;
    end if;
    return v_tenancy;
end
$fn$;

revoke execute on function rental.start_tenancy(uuid, uuid, date, date, numeric) from public;
grant execute on function rental.start_tenancy(uuid, uuid, date, date, numeric) to app_user;

comment on function rental.start_tenancy(uuid, uuid, date, date, numeric) is
    'Let an own unit to an own renter and return the tenancy; a tenancy that runs today moves the renter in. Not '
    'idempotent: a second call overlaps. Errors: PT401 not signed in, PT403 unit or renter not yours, PT409 overlaps an '
    'active tenancy, 23514 ends before it starts or negative rent.';
