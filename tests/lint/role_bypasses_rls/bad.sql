alter role app_admin bypassrls; -- finding
create role app_login login password null bypassrls; -- finding
create user app_root superuser; -- finding
do $$
begin
    create role app_service nologin bypassrls; -- finding
exception
    when duplicate_object then null;
end
$$;
