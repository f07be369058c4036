-- dbkit: destructive nobody reads them
set lock_timeout = '2s';
-- the view was made before it
alter table app.docs add column title text;
alter table app.docs alter column title type text;
-- another table's column of that name
alter table app.pages alter column body type text;
-- what reads it goes with it
alter table app.docs drop column body cascade; -- dbkit: allow drop_cascade because it is the case
-- its body is read when it is called
create function app.page_body(p_id bigint) returns text
    language sql stable
as $$ select p.body from app.pages as p where p.id = p_id $$;
alter table app.pages drop column body;
