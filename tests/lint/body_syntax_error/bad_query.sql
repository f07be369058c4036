create function app.doc_count(p_from bigint) returns bigint
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_last  app.docs;
    v_found bigint;
begin
    select d.* into v_last from app.docs as d order by d.id desc limit 1;
    select count(*)
      into v_found
      from app.docs as d
     where d.id >= p_from and;  -- finding
    return v_found;
end
$$;
