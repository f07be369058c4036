create function app.same(p_id uuid) returns boolean language sql immutable return p_id is not null;
create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant('x')) and lower(email) <> 'y' and app.same(tenant_id));
