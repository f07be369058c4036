alter table app.accounts add column region text;
alter table app.docs add column region text;
alter table app.events add column region text; -- finding
