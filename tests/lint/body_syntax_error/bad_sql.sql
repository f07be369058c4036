create function app.doc_body(p_id bigint) returns text
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select d.body
      form app.docs as d  -- finding
     where d.id = p_id
$$;
