alter policy members_all on app.accounts
    using (tenant_id = (select app.current_tenant()) and email like 'a%' and email not in ('', 'x'));
