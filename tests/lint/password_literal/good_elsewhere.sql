do $$
begin
    execute format('alter role app_user password %L', current_setting('app.password', true));
    raise notice 'the password of a role ''is not here''';
end $$;
create user mapping for app_user server remote options (user 'u');
