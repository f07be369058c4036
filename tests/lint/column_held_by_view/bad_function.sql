create function app.doc_body(p_id bigint) returns text
    language sql stable
    return (select d.body from app.docs as d where d.id = p_id);
drop view app.doc_list;
set lock_timeout = '2s';
alter table app.docs alter column body type varchar(4000); -- finding
