do $$
begin
    perform set_config('role', 'app_user', true);
    execute 'set local search_path = app';
end
$$;
