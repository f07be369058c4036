create function app.is_weekend(p_day date) returns boolean
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if extract(isodow from p_day) > 5
        return true;  -- finding
    end if;
    return false;
end
$$;
