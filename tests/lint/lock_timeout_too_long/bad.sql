set lock_timeout = 0; -- finding
set statement_timeout = '30s';
alter table app.docs add column region text;
set lock_timeout = '5min'; -- finding
alter table app.orders add column region text;
