set request.jwt.claims = '{"tenant_id": "a0000000-0000-4000-8000-00000000000a"}';
select media.start('live');
