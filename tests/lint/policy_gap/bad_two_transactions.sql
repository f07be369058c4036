-- migrate:up transaction:false
begin;
drop policy members_all on app.accounts; -- finding
commit;
begin;
create policy members_all on app.accounts for all to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()));
commit;
