alter table app.docs add column body text; -- finding
alter table app.docs add column title text;
alter table app.docs add column title text; -- finding
