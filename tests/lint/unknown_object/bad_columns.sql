update app.docs set title = 'x' where id = 1; -- finding
alter table app.docs alter column boddy set default ''; -- finding
create view app.listed with (security_invoker = true) as select d.id, d.title from app.docs d; -- finding
-- dbkit: allow index_blocks_writes because that is not the point
create index docs_title_idx on app.docs (title); -- finding
