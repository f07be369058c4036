alter table app.docs add constraint docs_body_check check (body ~ '^([A-Z]|[a-z])+$') not valid;
alter table app.docs add constraint docs_separator_check check (body ~ '[;|]' and body ~ '[|a]') not valid;
alter table app.docs add constraint docs_text_check check (body <> '[A-Z|a-z]') not valid;
