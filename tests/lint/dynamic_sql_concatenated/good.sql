create function app.count_docs(p_table regclass, p_column text, p_id bigint) returns bigint
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_count bigint;
    v_where text := '';
    v_sql text;
begin
    v_where := v_where || format(' and %I is not null', p_column);
    v_sql := 'select count(*) from ' || p_table || ' where true' || v_where;
    execute v_sql into v_count;
    execute 'select ' || quote_ident(p_column) || ' from ' || p_table || ' where id = ' || p_id into v_count;
    execute format('select count(%I) from %s where id = $1', p_column, p_table) into v_count using p_id;
    perform 'not ' || p_column || ' executed';
    return v_count;
end
$$;
