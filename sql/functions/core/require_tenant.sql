-- Never falls back to a membership: the tenant is what the request named, or nothing.

create or replace function core.require_tenant() returns uuid
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.active_tenant_id();
begin
    perform core.require_user();
    if v_tenant is null then
        if cardinality(core.my_tenant_ids()) = 0 then
            perform core.raise_error('PT403', 'forbidden', 'The user belongs to no organization yet.', '{"onboarding": "create_or_join_tenant"}');
        end if;
        perform core.raise_error('PT403', 'forbidden', 'No tenant was named for this transaction.', '{"onboarding": "choose_tenant"}');
    end if;
    return v_tenant;
end
$fn$;

alter function core.require_tenant() owner to app_definer;
revoke execute on function core.require_tenant() from public;
grant execute on function core.require_tenant() to app_user, app_renter, app_readonly, app_worker;

comment on function core.require_tenant() is
    'The tenant of this transaction. Errors: PT401 nobody is signed in, PT403 no tenant named; the hint tells a person without any '
    'organization (create_or_join_tenant) from one who has to choose (choose_tenant).';
