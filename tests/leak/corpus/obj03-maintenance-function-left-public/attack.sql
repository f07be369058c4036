begin;
set local notes.user_id = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from notes.notes where text = 'own note';
select notes.purge_trash();
set local notes.user_id = 'a0000000-0000-4000-8000-00000000000a';
select 'LEAK deleted the trash of another user' where not exists (select from notes.notes);
rollback;
