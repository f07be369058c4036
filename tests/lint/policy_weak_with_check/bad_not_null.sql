alter policy members_all on app.accounts with check (tenant_id is not null and email <> ''); -- finding
