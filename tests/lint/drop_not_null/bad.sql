alter table app.tenants alter column name drop not null; -- finding
