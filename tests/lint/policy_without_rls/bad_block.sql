do $$
begin
    if not exists (select from pg_policies where tablename = 'orders') then
        create policy readers on app.orders for select to app_user -- finding
            using (tenant_id = (select app.current_tenant()));
    end if;
end
$$;
