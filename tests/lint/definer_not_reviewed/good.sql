-- file: dbkit.toml
[modules]
clinic = []
[tenancy]
app_roles = ["app_user"]
context = ["select set_config('app.tenant_id', {tenant}, true)"]
columns = ["tenant_id"]
definers = ["app.f1"]
-- file: case.sql
create function app.f1() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.f1() from public;
