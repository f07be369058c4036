create function app.to_number(value text) returns bigint
    language plpgsql immutable set search_path = pg_catalog, pg_temp
    as $$
begin
    return value::bigint;
exception
    when others then -- finding
        return null;
end $$;
create function app.is_number(value text) returns boolean
    language plpgsql immutable set search_path = pg_catalog, pg_temp
    as $$
begin
    perform value::bigint;
    return true;
exception
    when syntax_error or others then -- finding
        -- whatever it is
        return false;
end $$;
