-- rental.import_units: add up to 100 units in one call.

create or replace function rental.import_units(p_units jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return rental.import_rows('units', p_units);
end
$fn$;

revoke execute on function rental.import_units(jsonb) from public;
grant execute on function rental.import_units(jsonb) to app_user;

comment on function rental.import_units(jsonb) is
    'Add up to 100 units in one call. Rows have name, address1, address2, city, state, postalCode and externalRef. A bad row is reported and costs no '
    'other. Not idempotent but for rows with externalRef. Returns {total, successful, failed, results: {success[], failed[]}}. Errors: PT400 not 1 to 100 '
    'rows, PT401 not signed in, PT403 no landlord in the context, PT429 too many calls (policy invites).';
