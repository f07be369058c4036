begin;
set local scan.office = '2';
select 'CONTROL OK' where convert_from(scan.content('contract'), 'utf8') = 'own scan';
select 'LEAK ' || convert_from(lo_get(70001), 'utf8');
rollback;
