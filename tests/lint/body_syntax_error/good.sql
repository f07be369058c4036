create function app.is_weekend(p_day date) returns boolean
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if extract(isodow from p_day) > 5 then
        return true;
    end if;
    return false;
end
$$;

create function app.doc_body(p_id bigint) returns text
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select d.body
      from app.docs as d
     where d.id = p_id
$$;

do $$
begin
    perform app.current_tenant();
    raise notice 'of %', app.current_tenant();
end
$$;
