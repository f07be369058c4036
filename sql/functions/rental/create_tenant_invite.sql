-- rental.create_tenant_invite: the landlord invites a renter, known or new.

create or replace function rental.create_tenant_invite(
    p_first_name text,
    p_last_name  text,
    p_email      text,
    p_unit_id    uuid default null
) returns table (invite_id uuid, tenant_id uuid, token text)
    language plpgsql volatile
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();
    -- whoever calls in a loop sends mail to strangers
    perform core.rate_limit_or_raise('invites');
    return query select * from rental.put_tenant_invite(p_first_name, p_last_name, p_email, p_unit_id);
end
$fn$;

revoke execute on function rental.create_tenant_invite(text, text, text, uuid) from public;
grant execute on function rental.create_tenant_invite(text, text, text, uuid) to app_user;

comment on function rental.create_tenant_invite(text, text, text, uuid) is
    'Invite a renter, found or created by address, and queue the e-mail; a renter has one open invitation, which another call renews for '
    '14 days under a new token. The token is returned once and only its hash is kept. Errors: PT401 not signed in, PT403 no landlord in '
    'the context or not your unit, PT409 the renter has a login already, PT429 too many calls '
    '(policy invites), 23502 or 23514 a name or address is not acceptable.';
