-- file: 20250101000000_one.sql
alter table app.docs add constraint docs_body_check check (body in ('new', 'paid', 'void')) not valid;
-- file: 20250102000000_two.sql
alter table app.docs
    drop constraint docs_body_check,
    add constraint docs_body_check check (body = any (array['new', 'paid'])) not valid; -- finding
