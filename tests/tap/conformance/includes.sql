\set greeting hello
begin;
\ir parts/_included.sql
select 'back', :'from_include';
\include_relative parts/_quits.sql
select 'after the included file quit';
\ir 'parts/_included.sql'
rollback;
\ir parts/no_such_file.sql
select 'not reached';
