copy app.accounts (tenant_id, id, email) from '/srv/accounts.csv'; -- finding
