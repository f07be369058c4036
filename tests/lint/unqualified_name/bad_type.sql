create type app.mood as (good boolean);
alter table app.docs add column state mood; -- finding
