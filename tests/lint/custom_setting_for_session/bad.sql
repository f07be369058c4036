set app.tenant_id = '00000000-0000-0000-0000-000000000001'; -- finding
select set_config('app.tenant_id', '00000000-0000-0000-0000-000000000001', false); -- finding
create procedure app.enter(p_tenant uuid)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('app.tenant_id', p_tenant::text, false); -- finding
end
$$;
