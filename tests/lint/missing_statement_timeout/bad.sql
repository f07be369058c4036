set lock_timeout = '2s';
alter table app.docs add column region text; -- finding
