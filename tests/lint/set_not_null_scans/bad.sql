alter table app.orders alter column total set not null; -- finding

alter table app.docs add constraint docs_body_set check (body is not null) not valid;
alter table app.docs alter column body set not null; -- finding
