begin;
set local etl.space = 'globex';
select 'CONTROL OK' from etl.pipelines where name = 'nightly load';
select 'LEAK another space is loading' where not etl.take('load');
rollback;
