begin;
set local bd.t = '2';
select 'CONTROL OK' from bd.claims where story = 'own';
delete from bd.claims;
set local bd.t = '1';
select 'LEAK: the claims of another tenant are gone' where not exists (select from bd.claims);
rollback;
