-- migrate:up transaction:false
begin; -- finding
alter table app.accounts add column region text;
commit; -- finding
