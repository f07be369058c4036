begin;
set local forms.tenant = '2';
select 'CONTROL OK' from forms.subscribers where email = 'own@globex.test';
create table scratch.probe (tenant_id integer, email text, foreign key (tenant_id, email) references forms.subscribers);
insert into scratch.probe values (1, 'ceo@acme.test');
select 'LEAK is a subscriber of the other tenant: ' || email from scratch.probe;
rollback;
