-- rental.create_unit: the landlord adds a unit.

create or replace function rental.create_unit(
    p_name         text,
    p_address1     text,
    p_city         text,
    p_state        text,
    p_postal_code  text,
    p_address2     text default null,
    p_external_ref text default null
) returns rental.units
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_unit rental.units;
begin
    insert into rental.units as u
        (owner_user_id, name, address1, address2, city, state, postal_code, external_ref)
    values
        (core.require_tenant(), p_name, p_address1, p_address2, p_city, p_state, p_postal_code, p_external_ref)
    returning u.* into v_unit;
    return v_unit;
end
$fn$;

revoke execute on function rental.create_unit(text, text, text, text, text, text, text) from public;
grant execute on function rental.create_unit(text, text, text, text, text, text, text) to app_user;

comment on function rental.create_unit(text, text, text, text, text, text, text) is
    'Add a unit to the landlord''s own and return it. Not idempotent; with p_external_ref a second call is refused. Errors:'
    ' PT401 not signed in, PT403 no landlord in the context, 23502 a value is missing, 23505 the reference exists.';
