begin;
set local mail.tenant = '2';
select 'CONTROL OK' from mail.mailboxes where local_part = 'own';
select 'LEAK ' || token from mail.api_tokens where token like 'SECRET%';
rollback;
