alter table app.docs add column tenant_id uuid not null default '00000000-0000-0000-0000-000000000001'; -- finding
