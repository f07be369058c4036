begin;
set local grants.staff = '20';
select 'CONTROL OK' from public.applications where applicant = 'own applicant';
create temporary table foundation_staff (foundation_id integer, staff_id integer);
insert into foundation_staff values (1, 20), (2, 20);
select 'LEAK ' || applicant from public.applications where applicant like 'SECRET%';
rollback;
