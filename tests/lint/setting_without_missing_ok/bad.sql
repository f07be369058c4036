create policy members_read on app.accounts for select to app_user
    using (tenant_id = (select current_setting('app.tenant_id')::uuid)); -- finding
create function app.whose() returns text
    language plpgsql stable
as $fn$
declare
    v_name text := current_setting('app.user_name'); -- finding
begin
    if current_setting('app.tenant_id', false) <> '' then -- finding
        return v_name;
    end if;
    return null;
end
$fn$;
create function app.whose_sql() returns text
    language sql stable
as $$ select pg_catalog.current_setting('app.user_name') $$; -- finding
create view app.v with (security_invoker = true) as
    select id from app.docs where body = current_setting('app.body'); -- finding
