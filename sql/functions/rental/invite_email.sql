-- rental.invite_email: the worker asks what to send for an invitation.

-- Definer: a worker serves every landlord and has no table rights.
create or replace function rental.invite_email(p_invite_id uuid) returns jsonb
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_url      text := (select s.value from core.app_settings as s where s.key = 'rental.invite_url');
    v_token    text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
    v_invite   rental.tenant_invites;
    v_landlord text;
begin
    if coalesce(v_url, '') not like '%{token}%' then
        perform core.raise_error('PT503', 'unavailable', 'The setting rental.invite_url, an address that contains {token}, is missing.');
    end if;

    -- Drawn anew for every attempt: an attempt that failed may have been read, and a token rests in no job.
    update rental.tenant_invites as i
       set mail_token_hash = rental.hash_invite_token(v_token),
           sent_at = clock_timestamp()
     where i.id = p_invite_id
       and i.claimed_at is null
       and i.expires_at > now()
    returning i.* into v_invite;
    if not found then
        return null;
    end if;

    select coalesce(p.company_name, u.name)
      into v_landlord
      from core.users as u
      left join rental.user_profiles as p on p.user_id = u.id
     where u.id = v_invite.owner_user_id;
    return jsonb_build_object(
        'to', v_invite.email,
        -- a line break in a name would start another header
        'subject', regexp_replace(format('%s invites you', v_landlord), '[[:cntrl:]]+', ' ', 'g'),
        'text', format(
            E'%s invites you to see your home, rent and repairs online.\n\n%s\n\nThe link is good until %s UTC and only for this address.\n',
            v_landlord,
            replace(v_url, '{token}', v_token),
            to_char(v_invite.expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')));
end
$fn$;

alter function rental.invite_email(uuid) owner to app_definer;
revoke execute on function rental.invite_email(uuid) from public;
grant execute on function rental.invite_email(uuid) to app_worker;

comment on function rental.invite_email(uuid) is
    'The e-mail of an open invitation as {to, subject, text}, with a token of its own that replaces that of the e-mail before; null when '
    'the invitation is claimed, expired or gone. Each call draws a token. Errors: PT503 the setting rental.invite_url is missing.';
