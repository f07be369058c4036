begin;
set local editor.tenant = '2';
select 'CONTROL OK' from editor.documents where title = 'own document' and not editor.is_being_edited(id);
select 'LEAK document 11 of another tenant is being edited' where editor.is_being_edited(11);
rollback;
