-- In place of a foreign key on core.jobs_ready, see there.

create or replace function core.tg_tenants_delete_jobs() returns trigger
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    delete from core.jobs_ready as r where r.tenant_id = old.id;
    return null;
end
$fn$;

alter function core.tg_tenants_delete_jobs() owner to app_definer;
revoke execute on function core.tg_tenants_delete_jobs() from public;

comment on function core.tg_tenants_delete_jobs() is 'Trigger of core.tenants: the waiting jobs of a tenant go with it. Errors: none.';
