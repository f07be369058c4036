create function app.rename_doc(p_id bigint) returns void
    language plpgsql stable set search_path = pg_catalog, pg_temp -- finding
as $$
begin
    update app.docs set body = 'x' where id = p_id;
end
$$;
create function app.day_of(p_at timestamptz) returns date
    language sql immutable -- finding
    return p_at::date;
create function app.month_of(p_at timestamptz) returns timestamptz
    language sql immutable set search_path = pg_catalog, pg_temp -- finding
as $$ select date_trunc('month', p_at) $$;
