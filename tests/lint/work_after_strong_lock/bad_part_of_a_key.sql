-- file: 20260101000000_create_flags.sql
create table app.flags (
    area text not null,
    key  text not null,
    is_on boolean not null default false,
    primary key (area, key)
);
-- file: 20260102000000_alter_docs.sql
alter table app.docs add column title text;
update app.flags set is_on = true where area = 'docs'; -- finding
