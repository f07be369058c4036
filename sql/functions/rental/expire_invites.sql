-- rental.expire_invites: cron takes away the invitations nobody accepted.

create or replace function rental.expire_invites() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_removed integer;
begin
    -- For a month the landlord sees that it ran out, and may renew it. Locked rows are being claimed or renewed.
    with expired as (
        select i.owner_user_id, i.id
          from rental.tenant_invites as i
         where i.claimed_at is null
           and i.expires_at < now() - interval '30 days'
           for update skip locked
    )
    delete from rental.tenant_invites as i
     using expired as e
     where i.owner_user_id = e.owner_user_id
       and i.id = e.id;
    get diagnostics v_removed = row_count;
    return v_removed;
end
$fn$;

alter function rental.expire_invites() owner to app_definer;
revoke execute on function rental.expire_invites() from public;

comment on function rental.expire_invites() is
    'Remove invitations that ran out over 30 days ago, and return how many. For cron; idempotent and safe beside itself. Errors: none.';
