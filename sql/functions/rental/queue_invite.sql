-- rental.queue_invite: the e-mail of an invitation, and what it counts for. An import is one call, however many renters it invites;
-- whatever else invites one is a call of its own.

-- Definer: how many rows an import has left is nothing a landlord may write, and jobs of this type are queued here alone, where they count.
create or replace function rental.queue_invite(p_invite_id uuid, p_batch_id uuid default null) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner uuid := core.require_tenant();
begin
    update rental.import_batches as b
       set rows_left = b.rows_left - 1
     where b.owner_user_id = v_owner
       and b.id = p_batch_id
       and b.rows_left > 0;
    if not found then
        perform core.rate_limit_or_raise('invites');
    end if;

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
    'Queue the e-mail of an open invitation, unless it waits already, and return the id of the job. Counted as a row of the import '
    'p_batch_id while that has rows left, else as a call. Each call counts. Errors: PT401 not signed in, PT403 no landlord in the context or no '
    'open invitation of yours, PT429 too many calls (policy invites).';
