-- migrate:up transaction:false
begin; -- finding
alter table app.accounts add column region text;

-- migrate:down
alter table app.accounts drop column region;
