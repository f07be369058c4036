set lock_timeout = '2s';
set statement_timeout = '30s';
reset all;
alter table app.docs add column title text; -- finding
