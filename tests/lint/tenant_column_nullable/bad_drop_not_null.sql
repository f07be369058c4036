alter table only app.accounts alter column tenant_id drop not null; -- finding
