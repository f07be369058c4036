begin;
set local request.jwt.claims = '{"tenant_id": "b0000000-0000-4000-8000-00000000000b"}';
select 'CONTROL OK' from media.clips where title = 'own clip';
select 'LEAK a stream was stopped' where media.stop('live') > 0;
rollback;
