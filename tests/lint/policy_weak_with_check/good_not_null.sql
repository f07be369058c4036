alter policy members_all on app.accounts
    with check (tenant_id is not null and tenant_id = (select app.current_tenant()));
