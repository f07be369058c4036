create policy members_read on app.accounts for select to app_user
    using (tenant_id = (select current_setting('app.tenant_id', true)::uuid)); -- finding
create function app.seats() returns integer
    language plpgsql stable
as $fn$
begin
    return cast(current_setting('app.seats', true) as integer); -- finding
end
$fn$;
