begin;
set local shelf.library = '2';
select 'CONTROL OK' from shelf.books where title = 'own book';
select 'LEAK ' || title from shelf.books where title like 'SECRET%';
delete from shelf.books;
set local shelf.library = '1';
select 'LEAK deleted foreign books' where not exists (select from shelf.books);
rollback;
