-- rental.my_unit_ids: the units the caller lives in or rents.

-- Definer: the renters' policies ask, and the tables must not send them back through their own policies.
create or replace function rental.my_unit_ids() returns uuid[]
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.current_user_id();
begin
    return array(
        select t.unit_id
          from rental.tenants as t
         where t.user_id = v_user_id
           and t.unit_id is not null
           -- After notice nobody has to move the renter out: see rental.end_tenancy().
           and not exists (
               select
                 from rental.tenancies as l
                where l.owner_user_id = t.owner_user_id
                  and l.tenant_id = t.id
                  and l.unit_id = t.unit_id
                  and l.status = 'ACTIVE'
                  and l.end_date < current_date)
        union
        select l.unit_id
          from rental.tenants as t
          join rental.tenancies as l
            on l.owner_user_id = t.owner_user_id
           and l.tenant_id = t.id
         where t.user_id = v_user_id
           and l.status = 'ACTIVE'
           and (l.end_date is null or l.end_date >= current_date));
end
$fn$;

alter function rental.my_unit_ids() owner to app_definer;

revoke execute on function rental.my_unit_ids() from public;
grant execute on function rental.my_unit_ids() to app_renter;

comment on function rental.my_unit_ids() is
    'The ids of the units the caller lives in or has an active tenancy of; empty when not signed in. Reads only, no errors.';
