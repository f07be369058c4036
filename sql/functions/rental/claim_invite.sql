-- rental.claim_invite: a renter's own login takes the place the landlord prepared.

-- Definer: the renter belongs to no landlord yet, and the token says which row it is.
create or replace function rental.claim_invite(p_token text) returns rental.tenants
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_hash    text := rental.hash_invite_token(p_token);
    v_invite  rental.tenant_invites;
    v_renter  rental.tenants;
begin
    select i.*
      into v_invite
      from rental.tenant_invites as i
     where v_hash in (i.token_hash, i.mail_token_hash)
       for update;

    -- One error for what never was, is over or was used: a guess learns nothing.
    if not found or v_invite.claimed_at is not null or v_invite.expires_at <= now() then
        perform core.raise_error('PT410', 'expired', 'The invitation is not valid any more.');
    end if;
    -- A forwarded e-mail lets nobody else in.
    if not exists (select from core.users as u where u.id = v_user_id and u.email = v_invite.email) then
        perform core.raise_error('PT403', 'forbidden', 'The invitation is for another address.');
    end if;

    update rental.tenants as t
       set user_id = v_user_id
     where t.owner_user_id = v_invite.owner_user_id
       and t.id = v_invite.tenant_id
       and coalesce(t.user_id, v_user_id) = v_user_id
    returning t.* into v_renter;
    if not found then
        perform core.raise_error('PT410', 'expired', 'The invitation is not valid any more.');
    end if;

    update rental.tenant_invites as i
       set claimed_at = now()
     where i.owner_user_id = v_invite.owner_user_id
       and i.id = v_invite.id;
    return v_renter;
end
$fn$;

alter function rental.claim_invite(text) owner to app_definer;
revoke execute on function rental.claim_invite(text) from public;
grant execute on function rental.claim_invite(text) to app_user, app_renter;

comment on function rental.claim_invite(text) is
    'Make the caller the renter an invitation is for and return that renter. A token is good once. Errors: PT401 not signed in, PT403 the '
    'caller''s address is another, PT410 unknown, expired or used.';
