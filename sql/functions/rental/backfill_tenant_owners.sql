-- rental.backfill_tenant_owners: give every renter a landlord, or set the renter aside for a person to decide.

-- For migrations of databases that grew up without rental.tenants.owner_user_id, see docs/rental-owner-backfill.md.
-- Where the column is not null already there is nothing to do.
create or replace function rental.backfill_tenant_owners()
    returns table (via_unit integer, via_ticket integer, quarantined integer)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_before    integer;
    v_set_aside integer;
begin
    select count(*) into v_before
      from rental.tenants as t
     where t.owner_user_id is null;

    update rental.tenants as t
       set owner_user_id = u.owner_user_id
      from rental.units as u
     where t.owner_user_id is null
       and u.id = t.unit_id;
    get diagnostics via_unit = row_count;

    update rental.tenants as t
       set owner_user_id = newest.owner_user_id
      from (
          select distinct on (k.tenant_id) k.tenant_id, k.owner_user_id
            from rental.tickets as k
           where k.tenant_id is not null
           order by k.tenant_id, k.created_at desc, k.id desc
      ) as newest
     where t.owner_user_id is null
       and newest.tenant_id = t.id;
    get diagnostics via_ticket = row_count;

    insert into rental.tenant_owner_quarantine (tenant_id, payload, reason)
    select t.id, to_jsonb(t), 'neither a unit nor a ticket names a landlord'
      from rental.tenants as t
     where t.owner_user_id is null;
    get diagnostics quarantined = row_count;

    delete from rental.tenants as t
     where t.owner_user_id is null;
    get diagnostics v_set_aside = row_count;

    -- Row security that hides rows makes an update touch fewer, in silence; here it is an error.
    if v_before <> via_unit + via_ticket + quarantined or v_set_aside <> quarantined then
        perform core.raise_error('PT409', 'conflict',
            format('Of %s renters without a landlord, %s were resolved by unit, %s by ticket, %s copied to the quarantine '
                   'and %s removed.', v_before, via_unit, via_ticket, quarantined, v_set_aside));
    end if;
    return next;
end
$fn$;

revoke execute on function rental.backfill_tenant_owners() from public;

comment on function rental.backfill_tenant_owners() is
    'Set the landlord of renters that have none: the unit''s, else the newest ticket''s, else move the renter to the '
    'quarantine; returns how many of each. Idempotent. Errors: PT409 the counts do not add up, 23503 a renter to set aside '
    'is still referenced.';
