-- rental.count_invite: an import is one call, however many renters it invites; whatever else invites one is a call of its own.

-- Definer: how many rows an import has left is nothing a landlord may write.
create or replace function rental.count_invite(p_batch_id uuid default null) returns void
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
end
$fn$;

alter function rental.count_invite(uuid) owner to app_definer;
revoke execute on function rental.count_invite(uuid) from public;
grant execute on function rental.count_invite(uuid) to app_user;

comment on function rental.count_invite(uuid) is
    'Count an invitation: as a row of an import that has rows left, else as a call. Each call counts. Errors: PT401 not signed in, PT403 no '
    'landlord in the context, PT429 too many calls (policy invites).';
