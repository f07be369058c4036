begin;
set local maps.site_id = '2';
select 'CONTROL OK' from maps.tiles where name = 'own tile';
select 'LEAK ' || name from maps.tiles where name like 'SECRET%';
select 'LEAK refused for another site' where maps.render('x') <> 'tile x';
select 'LEAK another site holds the lease' where not maps.take_lease('build');
rollback;
