begin;
set local request.jwt.claims = '{"sub":"0b0b0000-0000-4000-8000-0000000000b2","role":"dl_authenticated"}';
select case when exists (select 1 from entries where title = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || convert_from(read_photo(88011), 'utf8');
rollback;
