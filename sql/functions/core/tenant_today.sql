-- A time zone nobody knows must not stop the tenant's work: its days are UTC then.

create or replace function core.tenant_today(p_tenant_id uuid) returns date
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_zone text;
begin
    select t.timezone into v_zone from core.tenants as t where t.id = p_tenant_id;
    return (clock_timestamp() at time zone coalesce(v_zone, 'UTC'))::date;
exception
    when invalid_parameter_value then
        return (clock_timestamp() at time zone 'UTC')::date;
end
$fn$;

revoke execute on function core.tenant_today(uuid) from public;
grant execute on function core.tenant_today(uuid) to app_definer;

comment on function core.tenant_today(uuid) is
    'The calendar day it is for a tenant: in its time zone, in UTC where that is no known zone. For functions of app_definer. Errors: none.';
