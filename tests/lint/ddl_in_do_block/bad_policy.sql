do $$
begin
    create policy readers on app.accounts for select to app_user -- finding
        using (tenant_id = (select app.current_tenant()));
end $$;
