-- rental.end_tenancy: the landlord sets the last day of an active tenancy.

create or replace function rental.end_tenancy(p_id uuid, p_end date default current_date) returns rental.tenancies
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenancy rental.tenancies;
begin
    perform core.require_tenant();
    select l.* into v_tenancy
      from rental.tenancies as l
     where l.id = p_id
       for update;

    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The tenancy does not exist or is not yours.');
    end if;
    if v_tenancy.status <> 'ACTIVE' then
        perform core.raise_error('PT409', 'conflict', 'Only an active tenancy can end.',
            jsonb_build_object('status', v_tenancy.status)::text);
    end if;
    if p_end is null then
        perform core.raise_error('PT422', 'invalid', 'A tenancy ends on a day.', '{"end_date": "is missing"}');
    end if;

    -- A last day ahead is a notice: the tenancy stays active until then.
    update rental.tenancies as l
       set end_date = p_end,
           status = case when p_end <= current_date then 'ENDED' else 'ACTIVE' end
     where l.id = p_id
    returning l.* into v_tenancy;

    -- The renter moves out, unless another tenancy keeps them in the unit.
    if v_tenancy.status = 'ENDED' then
        update rental.tenants as t
           set unit_id = null
         where t.id = v_tenancy.tenant_id
           and t.unit_id = v_tenancy.unit_id
           and not exists (
               select
                 from rental.tenancies as l
                where l.tenant_id = t.id
                  and l.unit_id = t.unit_id
                  and l.status = 'ACTIVE');
    end if;
    return v_tenancy;
end
$fn$;

revoke execute on function rental.end_tenancy(uuid, date) from public;
grant execute on function rental.end_tenancy(uuid, date) to app_user;

comment on function rental.end_tenancy(uuid, date) is
    'Set the last day of an own active tenancy and return it; on or before today the tenancy ends and the renter moves out.'
    ' Not idempotent: an ended tenancy is refused. Errors: PT401 not signed in, PT403 no such tenancy or not yours, PT409 '
    'not active, PT422 no day, 23514 ends before it starts.';
