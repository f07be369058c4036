begin;
set local tasks.account = 'globex';
insert into tasks.comments values ('globex', 2, 1, 'mine');
select 'CONTROL OK' from tasks.comments where task_id = 2;
insert into tasks.comments values ('globex', 1, 1, 'on a task of another account');
select 'LEAK task ' || task_id || ' exists' from tasks.comments where task_id = 1;
rollback;
