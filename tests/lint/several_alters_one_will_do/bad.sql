alter table app.docs add column region text;
alter table app.docs add column area text; -- finding
