-- file: 20260101000000_alter_names.sql
-- The names stand in the history, but of tables and indexes that are gone.
alter table app.pages rename to sheets;
alter table app.old_events set schema public;
drop view app.doc_list;
-- file: 20260102000000_alter_pages.sql
alter table app.pages add column title text; -- finding
comment on table app.old_events is 'events of last year'; -- finding
select id from app.doc_list; -- finding
