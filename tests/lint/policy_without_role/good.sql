create policy members_read on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()));
-- written out, a restrictive policy for everybody only narrows
create policy tenant_fence on app.accounts as restrictive for select to public
    using (tenant_id = (select app.current_tenant()));
alter policy members_all on app.accounts to app_user;
alter policy members_all on app.accounts using (tenant_id = (select app.current_tenant()));
