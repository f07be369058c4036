create function app.log_doc() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.pages (id, body) values (new.id, new.body);
    return new;
exception when others then
    raise warning 'page of %: %', new.id, sqlerrm;
    return new;
end
$$;
create function app.as_number(p_text text) returns integer
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    v_number integer;
begin
    v_number := p_text::integer;
    return v_number;
exception when others then
    v_number := 0;
    return v_number;
end
$$;
