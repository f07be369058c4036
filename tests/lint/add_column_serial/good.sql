alter table app.docs add column number bigint;
