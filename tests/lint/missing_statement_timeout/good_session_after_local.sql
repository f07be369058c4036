-- migrate:up transaction:false
set lock_timeout = '2s';
set statement_timeout = '20s';
begin;
set local statement_timeout = '10s';
comment on table app.docs is 'documents';
commit;
alter table app.docs add column b text;
