create temporary table scratch (x integer);
insert into scratch (x) values (1);
drop table scratch;

create view app.tables with (security_invoker = true) as
    with big as (select relname from pg_class where reltuples > 1000)
    select relname from big;
comment on column app.docs.body is 'the text';
comment on schema app is 'everything';
drop trigger if exists touch on app.docs;
drop function if exists app.gone(bigint);
