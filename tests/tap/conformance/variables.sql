-- psql variables: every form of reference, and where a colon is not one.
\set number 3
\set name 'it''s \'quoted\'\tand\x41'
\set column "Odd Column"
\set raw 'Odd Column'
\set joined one two 'th ree'
\set expression 1 + 2
\set twice :number:number
\set empty
begin;
select plan(:number);
select is(:'name'::text, E'it''s ''quoted''\tandA', 'a literal');
select is(x."Odd Column", 5, 'an identifier') from (select 5 as :"raw") x;
select is(:expression, 3, 'an expression');
select 'not :number', "not :number" from (select 1 as "not :number") x; -- nor :number here
select /* :number /* :number */ */ $$:number$$, $tag$:'name'$tag$, E'\':number';
select 1::text, (array[1, 2, 3])[1:2], :{?number}, :{?missing}, :number::text;
\set ON_ERROR_STOP off
select :missing_stays as broken;
rollback;
\echo :number :'name' :"raw" :missing :{?number} :{?missing} ':number' ":number"
\echo -n no newline
\echo ' after'
\echo '-n' quoted
\echo :column :joined :twice [:empty]
\qecho 'to the query output'
\unset number
\echo :number
\set two 'select 1; select 2;'
:two
select E'it\'s', U&'d\0061t', b'101', x'1f', 'a' 'b', 'c'
  'd';
rollback;
