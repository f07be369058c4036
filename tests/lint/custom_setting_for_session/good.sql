set local app.tenant_id = '00000000-0000-0000-0000-000000000001';
select set_config('app.tenant_id', '00000000-0000-0000-0000-000000000001', true);
set lock_timeout = '2s';
reset app.tenant_id;
create function app.entered() returns text
    language sql stable set app.inside = 'yes' set search_path = pg_catalog, pg_temp
    as 'select current_setting(''app.inside'', true)';
