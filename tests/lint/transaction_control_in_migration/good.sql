-- migrate:up transaction:false
begin;
alter table app.accounts add column region text;
commit;

-- migrate:down
savepoint here;
alter table app.accounts drop column region;
release savepoint here;
