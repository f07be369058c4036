begin;
set local ap.tid = 'b2000000-0000-4000-8000-000000000002';
select 'CONTROL OK' from ap.search('own');
select ap.search('own', '(select label::integer from ap.assets where tid <> ''b2000000-0000-4000-8000-000000000002'')');
rollback;
