do $$
begin
    perform app.current_tenant();
    raise notice 'of %';  -- finding
end
$$;
