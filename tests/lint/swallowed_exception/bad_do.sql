do $$
begin
    perform app.current_tenant();
exception when division_by_zero or others then end; -- finding
$$;
