-- rental.require_renter_values: what the CHECKs of rental.tenants demand, said per field before they refuse.

create or replace function rental.require_renter_values(p_values jsonb) returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_errors jsonb;
begin
    select jsonb_object_agg(f.field, f.message)
      into v_errors
      from (values
          ('first_name', 'must not be empty', coalesce(p_values ->> 'first_name', '') <> ''),
          ('last_name', 'must not be empty', coalesce(p_values ->> 'last_name', '') <> ''),
          ('email', 'is not an e-mail address', coalesce(core.is_valid_email(p_values ->> 'email'), false)),
          ('phone', 'is not a phone number',
              p_values ->> 'phone' is null or core.normalize_phone(p_values ->> 'phone') is not null)
      ) as f (field, message, is_good)
     where p_values ? f.field
       and not f.is_good;

    if v_errors is not null then
        perform core.raise_error('PT422', 'invalid', 'Some values are not acceptable.', v_errors::text);
    end if;
end
$fn$;

revoke execute on function rental.require_renter_values(jsonb) from public;
grant execute on function rental.require_renter_values(jsonb) to app_user, app_definer;

comment on function rental.require_renter_values(jsonb) is
    'Check the values of a renter that the object names. Computes only. Errors: PT422 with one message per bad field in the'
    ' hint.';
