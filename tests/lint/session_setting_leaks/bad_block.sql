do $$
begin
    perform set_config('role', 'app_user', false); -- finding
end
$$;
