update app.lines set at = now() where id = 1 and ctid is not null;
do $$
begin
    perform app.add_column('app.lines', 'made_there');
end $$;
update app.lines set made_there = 'x' where id = 1;
select count(*) from app.docs d join (select id as page, body from app.pages) p on p.page = d.id where d.body <> '';
insert into app.lines (id, note) values (1, 'x') on conflict (id) do update set note = excluded.note;
create type app.pair as (a integer, b integer);
create table app.pairs of app.pair (a primary key);
update app.pairs set b = 2 where a = 1;
alter table app.docs
    add column title text,
    alter column title set default 'none';
