create function app.fixed() returns uuid language sql immutable return '00000000-0000-0000-0000-000000000001'::uuid;
create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()));
create policy two on app.accounts as restrictive for delete to app_user
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
-- immutable, so folded when planned; and the server's own
create policy three on app.accounts as restrictive for update to app_user
    using (tenant_id = app.fixed() and email <> lower('X'));
