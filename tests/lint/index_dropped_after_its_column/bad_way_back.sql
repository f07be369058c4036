-- migrate:up
alter table app.docs add column title text;
create index docs_title_idx on app.docs (title);
-- migrate:down
alter table app.docs drop column title;
drop index app.docs_title_idx; -- finding
