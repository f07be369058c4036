alter table app.docs add column account_tenant uuid references app.tenants (id); -- finding
create index docs_account_tenant_idx on only app.docs (account_tenant);
