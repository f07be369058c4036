-- file: 20260101000000_create_version.sql
create table app.version (
    number text primary key
);
create table app.flags (
    area text not null,
    key  text not null,
    is_on boolean not null default false,
    primary key (area, key)
);
-- file: 20260102000000_alter_docs.sql
alter table app.docs add column title text;
update app.version set number = '0002' where version.number = '0001';
update app.flags set is_on = true where key = 'titles' and area = 'docs';
delete from app.flags where 'docs' = area and key = 'plain';
