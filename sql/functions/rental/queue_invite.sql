-- rental.queue_invite: the e-mail of an invitation, counted.

-- Definer: jobs of this type are queued here alone.
create or replace function rental.queue_invite(p_invite_id uuid, p_batch_id uuid default null) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner uuid := core.require_tenant();
begin
    -- whoever calls in a loop sends mail to strangers
    perform rental.count_invite(p_batch_id);

    perform
       from rental.tenant_invites as i
      where i.owner_user_id = v_owner
        and i.id = p_invite_id
        and i.claimed_at is null
        and i.expires_at > now();
    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The invitation is not open, does not exist or is not yours.');
    end if;
    -- The message is written while it is sent, so no token ever lies in a job.
    return core.add_job(
        p_tenant      => v_owner,
        p_user        => core.current_user_id(),
        p_job_type    => 'tenant_invite',
        p_payload     => jsonb_build_object('invite_id', p_invite_id),
        p_priority    => null,
        p_run_at      => now(),
        p_dedupe_key  => p_invite_id::text,
        p_queue       => 'default',
        p_is_internal => true);
end
$fn$;

alter function rental.queue_invite(uuid, uuid) owner to app_definer;
revoke execute on function rental.queue_invite(uuid, uuid) from public;
grant execute on function rental.queue_invite(uuid, uuid) to app_user;

comment on function rental.queue_invite(uuid, uuid) is
    'Queue the e-mail of an open invitation, unless it waits already, and return the id of the job. Each call counts, by '
    'rental.count_invite. Errors: PT401 not signed in, PT403 no landlord in the context or no open invitation of yours, PT429 too many '
    'calls (policy invites).';
