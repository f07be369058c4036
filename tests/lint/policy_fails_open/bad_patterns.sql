-- file: 20260101000000_alter_like.sql
alter policy members_all on app.accounts
    using (tenant_id::text like (select current_setting('app.tenant_id', true)) || '%'); -- finding
-- file: 20260102000000_alter_in.sql
alter policy members_all on app.accounts
    using ((select current_setting('app.tenant_id', true)) in ('', tenant_id::text)); -- finding
