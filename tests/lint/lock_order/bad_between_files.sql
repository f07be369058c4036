-- file: 20250101000000_one.sql
alter table app.docs add column region text;
alter table app.pages add column region text;
-- file: 20250102000000_two.sql
alter table app.pages add column place text;
alter table app.docs add column place text; -- finding
