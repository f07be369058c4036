alter table app.docs add constraint docs_body_key unique (body); -- finding
alter table app.docs add column code text unique; -- finding
