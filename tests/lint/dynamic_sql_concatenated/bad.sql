create function app.count_docs(p_body text, p_id bigint) returns bigint
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_count bigint;
    v_sql text;
begin
    execute 'select count(*) from app.docs where body = ''' || p_body || '''' into v_count; -- finding
    v_sql := 'delete from app.docs where body = ' || coalesce(p_body, ''); -- finding
    execute v_sql;
    execute format('select %s from app.docs', p_body); -- finding
    for v_count in execute 'select id from app.docs order by ' || lower(p_body) loop -- finding
        null;
    end loop;
    return v_count;
end
$$;
