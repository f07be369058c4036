begin;
set local image.studio = '2';
select 'CONTROL OK' where convert_from(image.content('logo'), 'utf8') = 'own picture';
select 'LEAK ' || convert_from(lo_get(80001), 'utf8');
rollback;
