-- migrate:up
begin; -- finding
savepoint here;
alter table app.accounts add column region text;
release savepoint here;
commit; -- finding

-- migrate:down
alter table app.accounts drop column region;
rollback; -- finding
