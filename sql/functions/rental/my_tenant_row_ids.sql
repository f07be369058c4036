-- rental.my_tenant_row_ids: the caller's rows in rental.tenants, one per landlord.

-- Definer: the renters' policies ask, and rental.tenants must not send them back through its own policy.
create or replace function rental.my_tenant_row_ids() returns uuid[]
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.current_user_id();
begin
    return array(
        select t.id
          from rental.tenants as t
         where t.user_id = v_user_id);
end
$fn$;

alter function rental.my_tenant_row_ids() owner to app_definer;

revoke execute on function rental.my_tenant_row_ids() from public;
grant execute on function rental.my_tenant_row_ids() to app_renter;

comment on function rental.my_tenant_row_ids() is
    'The ids of the caller''s own rows in rental.tenants; empty when not signed in. Reads only, no errors.';
