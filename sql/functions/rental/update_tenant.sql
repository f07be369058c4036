-- rental.update_tenant: the landlord corrects a renter's name, address, phone or unit.

create or replace function rental.update_tenant(p_tenant_id uuid, p_patch jsonb) returns rental.tenants
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_patch  jsonb;
    v_tenant rental.tenants;
begin
    -- The address is part of a key, so the update locks harder than the check. Taken first, the lock makes two changes queue
    -- where they would deadlock.
    perform
      from rental.tenants as t
     where t.id = p_tenant_id
       for no key update;
    perform rental.authorize_tenant(p_tenant_id);
    perform rental.require_patch(p_patch, array['first_name', 'last_name', 'email', 'phone', 'unit_id']);
    perform rental.require_renter_values(p_patch);
    if p_patch ->> 'unit_id' is not null then
        perform rental.authorize_unit((p_patch ->> 'unit_id')::uuid);
    end if;

    v_patch := p_patch
        || case when p_patch ? 'email' then jsonb_build_object('email', lower(p_patch ->> 'email')) else '{}' end
        || case when p_patch ? 'phone' then jsonb_build_object('phone', core.normalize_phone(p_patch ->> 'phone')) else '{}' end;

    -- What the patch does not name keeps its value; a key with null sets null.
    update rental.tenants as t
       set (first_name, last_name, email, phone, unit_id) = (
               select r.first_name, r.last_name, r.email, r.phone, r.unit_id
                 from jsonb_populate_record(t, v_patch) as r)
     where t.id = p_tenant_id
    returning t.* into v_tenant;
    return v_tenant;
end
$fn$;

revoke execute on function rental.update_tenant(uuid, jsonb) from public;
grant execute on function rental.update_tenant(uuid, jsonb) to app_user;

comment on function rental.update_tenant(uuid, jsonb) is
    'Change the named columns of an own renter and return it; e-mail and phone are stored in their normal form. Idempotent.'
    ' Errors: PT400 not an object, PT401 not signed in, PT403 renter or unit not yours, PT422 unknown keys or bad values, '
    'named in the hint, 23505 another renter has the address.';
