create function app.set_docs(p_values jsonb) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text;
    v_sets text := '';
begin
    for v_key in select jsonb_object_keys(p_values) loop
        v_sets := v_sets || quote_ident(v_key) || ' = ' || quote_literal(p_values ->> v_key) || ',';
    end loop;
    execute 'update app.docs set ' || rtrim(v_sets, ',') || ' where id = 1';
    select string_agg(format('%I = %L', item.key, item.value), ', ') into v_sets from jsonb_each_text(p_values) as item;
    execute format('update app.docs set %s where id = $1', v_sets) using 1;
end
$$;
create function app.find_docs(p_body text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    execute replace('select from app.docs where body = ?', '?', quote_literal(p_body));
end
$$;
