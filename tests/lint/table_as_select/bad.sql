create table app.docs_backup as select id, body from app.docs; -- finding

select id into app.doc_ids from app.docs; -- finding

do $$
begin
    create table app.doc_bodies as select body from app.docs; -- finding
end $$;
