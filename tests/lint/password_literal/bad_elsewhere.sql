do $$
begin
    execute 'alter role app_user password ''hunter2'''; -- finding
end $$;
create user mapping for app_user server remote options (user 'u', password 'hunter2'); -- finding
