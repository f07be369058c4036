-- file: 20250101000000_one.sql
alter table app.docs add constraint docs_body_present check (body is not null) not valid; -- finding
-- file: 20250102000000_two.sql
alter table app.docs add constraint docs_body_short check (length(body) < 100) not valid; -- finding
