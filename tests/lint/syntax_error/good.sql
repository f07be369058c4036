-- dbkit: allow psql_meta_command because this file is for psql

\set tenant 1
\if :tenant
\copy app.docs (id, body) from 'docs.csv' csv
select :tenant, :'tenant', (array[1, 2, 3])[1:2];
\endif
copy app.docs (id, body) from stdin;
1	it's not SQL; create table (
2	$$
\.
select 1 \gset
alter table app.accounts add column région text;
