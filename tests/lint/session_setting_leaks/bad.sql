set search_path = app; -- finding
set role app_user; -- finding
select pg_catalog.set_config('row_security', 'off', false); -- finding
