begin;
set local helpdesk.client = '2';
select 'CONTROL OK' from helpdesk.cases where summary = 'own case';
set local helpdesk.acting_as = 'support';
select 'LEAK ' || summary from helpdesk.cases where summary like 'SECRET%';
rollback;
