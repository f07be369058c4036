begin;
select 'one';
select 1/0;
select 'not reached';
