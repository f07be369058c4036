begin;
set local request.jwt.claims = '{"sub":"b0b00000-0000-4000-8000-000000000002","role":"ch_user"}';
select 'CONTROL OK' where exists (select 1 from chat.message where body = 'own-B');
insert into chat.channel_share (workspace_id, channel_id, grantee) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 'b0b00000-0000-4000-8000-000000000002');
select 'LEAK: shared with myself ' || body from chat.message where body like 'SECRET-A%';
rollback;
