begin;
set local dns.customer = '2';
select 'CONTROL OK' from dns.domains where name = 'own.test';
insert into dns.domains values (2, 'acme.test');
rollback;
