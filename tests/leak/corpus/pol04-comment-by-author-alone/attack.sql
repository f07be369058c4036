begin;
set local request.jwt.claims = '{"sub":"b0b00000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' where exists (select 1 from task where title = 'own-B');
insert into comment (task_id, author_user_id, body) values ('11111111-1111-4111-8111-111111111111', 'b0b00000-0000-4000-8000-000000000002', 'spam');
set local request.jwt.claims = '{"sub":"a11ce000-0000-4000-8000-000000000001"}';
select 'LEAK: written under the victim''s task' from comment where body = 'spam';
rollback;
