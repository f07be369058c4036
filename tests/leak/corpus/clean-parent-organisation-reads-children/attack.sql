begin;
set local grp.organisation = '12';
select 'CONTROL OK' from grp.reports where organisation_id = 12;
select 'LEAK report of ' || organisation_id from grp.reports where organisation_id <> 12;
rollback;
