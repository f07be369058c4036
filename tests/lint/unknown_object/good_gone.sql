-- file: 20260101000000_alter_names.sql
-- dbkit: allow renamed_table because nobody reads it
alter table app.pages rename to sheets;
create table app.pages (
    id bigint primary key
);
drop view app.doc_list;
create view app.doc_list with (security_invoker = true) as select id from app.docs;
-- file: 20260102000000_alter_pages.sql
alter table app.pages add column title text;
alter table app.sheets add column title text;
select id from app.doc_list;
