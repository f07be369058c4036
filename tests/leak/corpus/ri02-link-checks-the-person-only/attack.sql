begin;
set local li.t = 'globex';
insert into li.people_groups values (2, 2);
select 'CONTROL OK' from li.people_groups where group_id = 2;
insert into li.people_groups values (2, 1);
select 'LEAK Bob is in group ' || group_id || ' of another tenant' from li.people_groups where group_id = 1;
rollback;
