-- migrate:up transaction:false
alter table app.docs -- finding
    add constraint docs_body_check check (body <> '') not valid,
    validate constraint docs_body_check;
