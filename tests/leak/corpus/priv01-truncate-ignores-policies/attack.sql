begin;
set local lms.school = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from lms.submissions where pupil = 'bo';
truncate lms.submissions;
set local lms.school = 'a0000000-0000-4000-8000-00000000000a';
select 'LEAK removed foreign rows' where not exists (select from lms.submissions);
rollback;
