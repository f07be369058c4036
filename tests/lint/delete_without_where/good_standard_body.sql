create function app.forget(p_id bigint) returns void
    language sql set search_path = pg_catalog, pg_temp
begin atomic
    delete from app.docs where id = p_id;
end;
