-- migrate:up
alter table app.docs add column title text;
-- dbkit: allow index_blocks_writes because nobody writes to it yet
create index docs_title_idx on app.docs (title);
-- migrate:down
drop index app.docs_title_idx;
alter table app.docs drop column title;
