-- rental.create_tenant_invite: the landlord invites a renter, known or new, by itself or as a row of an import.

create or replace function rental.create_tenant_invite(
    p_first_name text,
    p_last_name  text,
    p_email      text,
    p_unit_id    uuid default null,
    p_batch_id   uuid default null
) returns table (invite_id uuid, tenant_id uuid, token text)
    language plpgsql volatile
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
#variable_conflict use_column
declare
    v_owner  uuid := core.require_tenant();
    v_renter rental.tenants;
begin
    if p_unit_id is not null then
        perform rental.authorize_unit(p_unit_id);
    end if;

    -- Two calls for one address meet here, and the second finds the first one's renter.
    insert into rental.tenants as t (owner_user_id, first_name, last_name, email, unit_id)
    values (v_owner, p_first_name, p_last_name, lower(p_email), p_unit_id)
    on conflict (owner_user_id, email) do update set unit_id = coalesce(t.unit_id, excluded.unit_id)
    returning t.* into v_renter;
    if v_renter.user_id is not null then
        perform core.raise_error('PT409', 'conflict', 'This renter has accepted an invitation already.');
    end if;

    token := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
    tenant_id := v_renter.id;
    insert into rental.tenant_invites as i (owner_user_id, tenant_id, unit_id, email, token_hash)
    values (v_owner, v_renter.id, p_unit_id, v_renter.email, rental.hash_invite_token(token))
    on conflict (owner_user_id, tenant_id) where claimed_at is null do update
        set unit_id    = coalesce(excluded.unit_id, i.unit_id),
            email      = excluded.email,
            token_hash = excluded.token_hash,
            expires_at = excluded.expires_at
    returning i.id into invite_id;

    -- This counts the call. What a refused one has written until here is undone.
    perform rental.queue_invite(invite_id, p_batch_id);
    return next;
end
$fn$;

revoke execute on function rental.create_tenant_invite(text, text, text, uuid, uuid) from public;
grant execute on function rental.create_tenant_invite(text, text, text, uuid, uuid) to app_user;

comment on function rental.create_tenant_invite(text, text, text, uuid, uuid) is
    'Invite a renter, found or created by address, and queue the e-mail; a renter has one open invitation, which another call renews for '
    '14 days under a new token. The token is returned once and only its hash is kept. p_batch_id: an import of rental.begin_import, which '
    'counted for all its rows. Errors: PT401 not signed in, PT403 no landlord in the context or not your unit, PT409 the renter has a '
    'login already, PT429 too many calls (policy invites), 23502 or 23514 a name or address is not acceptable.';
