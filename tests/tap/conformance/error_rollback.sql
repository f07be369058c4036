\set ON_ERROR_STOP off
\set ON_ERROR_ROLLBACK on
begin;
create table kept (a int);
select 1/0;
insert into kept values (1);
savepoint mine;
insert into kept values (2);
rollback to mine;
insert into kept values (3) returning a;
release mine;
insert into nowhere values (1);
select * from kept order by a;
\set ON_ERROR_ROLLBACK interactive
select 1/0;
select 'aborted now';
rollback;
\unset ON_ERROR_ROLLBACK
\unset ON_ERROR_STOP
begin;
select 1/0;
select 'aborted';
commit;
select 'end'
