\set ON_ERROR_STOP 0
select 'one';
select nothing from nowhere;
select 'two';
begin;
select 1/0;
select 'in an aborted transaction';
rollback;
select 'three';
