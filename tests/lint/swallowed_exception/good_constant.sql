create function app.to_number(value text) returns bigint
    language plpgsql immutable set search_path = pg_catalog, pg_temp
    as $$
begin
    return value::bigint;
exception
    when invalid_text_representation or numeric_value_out_of_range then
        return null;
end $$;
