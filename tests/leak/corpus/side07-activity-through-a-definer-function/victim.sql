begin;
set local ops.tenant = '1';
select 'https://SECRET.acme.test';
