begin;
set local agency.id = '2';
select 'CONTROL OK' from agency.campaigns where brief = 'own brief';
update agency.campaigns set status = 'archived', agency_id = 1;
set local agency.id = '1';
select 'LEAK planted ' || brief from agency.campaigns where brief = 'own brief';
rollback;
