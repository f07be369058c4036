create policy members_read on app.accounts as restrictive for select to app_user
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create function app.whose(p_setting text) returns text
    language plpgsql stable
as $fn$
begin
    -- PostgreSQL's own settings are always there; which one the caller names is the caller's business
    return current_setting('server_version') || current_setting(p_setting)
        || current_setting('app.user_name', missing_ok => true);
end
$fn$;
create function app.whose_or_nobody() returns text
    language plpgsql stable
as $fn$
begin
    return current_setting('app.user_name');
exception
    when undefined_object then
        return 'nobody';
end
$fn$;
