begin;
rollback;
begin;
begin;
create function pg_temp.b(x int) returns int language sql
begin atomic
    select 1;
    select case when x > 1 then x else 0 end;
end;
select pg_temp.b(4);
create function pg_temp.c() returns setof text language plpgsql as $body$
begin
    return next 'a;b';
    return next $$c;d$$;
end;
$body$;
select * from pg_temp.c();
create table r (a int);
create rule r_rule as on insert to r do also (select 'rule 1'; select 'rule 2');
insert into r values (1);
do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$;
select 'a' -- comment; here
  , 'b' /* and; /* there */ ; */
;
;;
select E'a\'b;', 'c''d;';
prepare q (int) as select $1 + 1;
execute q(1);
declare c cursor for select * from generate_series(1, 5);
fetch 2 from c;
move 1 in c;
fetch all from c;
listen channel;
rollback
