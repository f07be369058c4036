-- file: 20250101000000_one.sql
alter table app.docs add constraint docs_body_present check (body is not null) not valid;
alter table app.docs add constraint docs_body_gone check (length(body) < 100) not valid;
-- file: 20250102000000_two.sql
alter table app.docs validate constraint docs_body_present;
-- file: 20250103000000_three.sql
alter table app.docs drop constraint docs_body_gone;
