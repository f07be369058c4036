begin;
set local design.team = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from design.files where name = 'own file';
select 'LEAK ' || name from design.files where name like 'SECRET%';
insert into design.shares values
    ('a0000000-0000-4000-8000-00000000000a', '10000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-00000000000b');
select 'LEAK ' || name from design.files where name like 'SECRET%';
rollback;
