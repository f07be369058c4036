create function app.order_count() returns bigint
    language sql stable set search_path = pg_catalog, pg_temp
    as 'select count(*) from orders';
create function app.doc_count() returns bigint
    language sql stable
    return (select count(*) from app.docs);
create function app.line_count() returns bigint
    language sql stable
    as 'select count(*) from app.lines';
alter function app.line_count() set search_path = '';
create function app.pages(integer) returns integer language c strict as 'pages', 'pages';
