-- rental.update_unit: the landlord changes some columns of a unit.

create or replace function rental.update_unit(p_unit_id uuid, p_patch jsonb) returns rental.units
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_unit rental.units;
begin
    perform rental.authorize_unit(p_unit_id);
    perform rental.require_patch(p_patch,
        array['name', 'address1', 'address2', 'city', 'state', 'postal_code', 'external_ref']);

    -- What the patch does not name keeps its value; a key with null sets null.
    update rental.units as u
       set (name, address1, address2, city, state, postal_code, external_ref) = (
               select r.name, r.address1, r.address2, r.city, r.state, r.postal_code, r.external_ref
                 from jsonb_populate_record(u, p_patch) as r)
     where u.id = p_unit_id
    returning u.* into v_unit;
    return v_unit;
end
$fn$;

revoke execute on function rental.update_unit(uuid, jsonb) from public;
grant execute on function rental.update_unit(uuid, jsonb) to app_user;

comment on function rental.update_unit(uuid, jsonb) is
    'Change the named columns of an own unit and return it. Idempotent. Errors: PT400 not an object, PT401 not signed in, '
    'PT403 no such unit or not yours, PT422 unknown keys, 23502 a required value is null, 23505 the reference exists.';
