-- migrate:up transaction:false
set local lock_timeout = '2s';
set statement_timeout = '10s';
alter table app.docs add column b text; -- finding
