select 'included', :'greeting';
\set from_include set
\ir _nested.sql
