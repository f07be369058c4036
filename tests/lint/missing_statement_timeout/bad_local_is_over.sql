-- migrate:up transaction:false
set lock_timeout = '2s';
begin;
set local statement_timeout = '10s';
alter table app.docs add column a text;
commit;
alter table app.docs add column b text; -- finding
