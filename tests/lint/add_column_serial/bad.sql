alter table app.docs add column number bigserial; -- finding
