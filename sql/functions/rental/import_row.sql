-- rental.import_row: one row of a bulk call, written or refused.

create or replace function rental.import_row(p_kind text, p_row jsonb, p_batch_id uuid default null) returns uuid
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_columns constant text[] := case p_kind
        when 'tenants' then array['firstName', 'lastName', 'email', 'unitId']
        when 'units' then array['name', 'address1', 'address2', 'city', 'state', 'postalCode', 'externalRef']
    end;
    v_unknown text;
    v_unit_id text;
begin
    if jsonb_typeof(p_row) is distinct from 'object' then
        perform core.raise_error('PT422', 'invalid', 'The row is no object.');
    end if;
    select key into v_unknown from jsonb_object_keys(p_row) as key where key <> all (c_columns) order by key limit 1;
    if found then
        perform core.raise_error('PT422', 'invalid', format('There is no field %s; known are %s.', v_unknown, array_to_string(c_columns, ', ')));
    end if;

    if p_kind = 'units' then
        return (rental.create_unit(
            p_name         => rental.import_text(p_row, 'name', true),
            p_address1     => rental.import_text(p_row, 'address1', true),
            p_city         => rental.import_text(p_row, 'city', true),
            p_state        => rental.import_text(p_row, 'state', true),
            p_postal_code  => rental.import_text(p_row, 'postalCode', true),
            p_address2     => rental.import_text(p_row, 'address2'),
            p_external_ref => rental.import_text(p_row, 'externalRef'))).id;
    end if;

    v_unit_id := rental.import_text(p_row, 'unitId');
    if not coalesce(core.is_valid_email(lower(rental.import_text(p_row, 'email', true))), false) then
        perform core.raise_error('PT422', 'invalid', 'email is no valid address.');
    elsif v_unit_id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        perform core.raise_error('PT422', 'invalid', 'unitId is no UUID.');
    end if;
    return (
        select i.invite_id
          from rental.create_tenant_invite(
              p_first_name => rental.import_text(p_row, 'firstName', true),
              p_last_name  => rental.import_text(p_row, 'lastName', true),
              p_email      => rental.import_text(p_row, 'email', true),
              p_unit_id    => v_unit_id::uuid,
              p_batch_id   => p_batch_id) as i);
end
$fn$;

revoke execute on function rental.import_row(text, jsonb, uuid) from public;
grant execute on function rental.import_row(text, jsonb, uuid) to app_user;

comment on function rental.import_row(text, jsonb, uuid) is
    'Write one row of an import of kind tenants or units, and return the id of the invitation or unit; p_batch_id as in '
    'rental.create_tenant_invite. Idempotent for tenants: the invitation is renewed; each call for units adds one. Errors: PT422 a field is '
    'missing, unknown or malformed, and those of rental.create_tenant_invite and rental.create_unit.';
