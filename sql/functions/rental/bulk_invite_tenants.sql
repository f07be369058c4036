-- rental.bulk_invite_tenants: invite up to 100 renters in one call.

create or replace function rental.bulk_invite_tenants(p_tenants jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return rental.import_rows('tenants', p_tenants);
end
$fn$;

revoke execute on function rental.bulk_invite_tenants(jsonb) from public;
grant execute on function rental.bulk_invite_tenants(jsonb) to app_user;

comment on function rental.bulk_invite_tenants(jsonb) is
    'Invite up to 100 renters in one call; e-mails are queued. Rows have firstName, lastName, email and, where known, unitId. A bad row is reported and costs no '
    'other. Inviting a renter again renews the invitation. Returns {total, successful, failed, results: {success[], failed[]}}. Errors: PT400 not 1 to 100 '
    'rows, PT401 not signed in, PT403 no landlord in the context, PT429 too many calls (policy invites).';
