set statement_timeout = '30s';
alter table app.docs add column region text; -- finding
alter table app.orders add column region text;
