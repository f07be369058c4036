set lock_timeout = '10s';
set statement_timeout = '30s';
alter table app.docs add column region text;
set lock_timeout = 0;
analyze app.docs;
