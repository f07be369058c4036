reset all;
set lock_timeout = '2s';
set statement_timeout = '30s';
alter table app.docs add column title text;
reset all;
