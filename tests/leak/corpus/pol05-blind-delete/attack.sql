begin;
set local chat.workspace = 'b2000000-0000-4000-8000-000000000002';
select 'CONTROL OK' from chat.messages where body = 'own message';
delete from chat.messages;
set local chat.workspace = 'a1000000-0000-4000-8000-000000000001';
select 'LEAK deleted foreign messages' where not exists (select from chat.messages);
rollback;
