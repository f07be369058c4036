insert into app.docs select * from app.docs where false; -- finding

create function app.copy_docs() returns void language sql set search_path = '' as $$
    insert into app.docs (id, body) select d.* from app.docs d where false; -- finding
$$;
