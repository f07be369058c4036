create policy members_read on app.accounts as restrictive for select to app_user
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create function app.whose() returns text
    language sql stable
    return current_setting('app.user_name', true)::text;
create function app.version() returns integer
    language sql stable
    return current_setting('server_version_num', true)::integer;
