set local lock_timeout = '2s';
set local statement_timeout = 0;
alter table app.docs add column region text; -- finding
