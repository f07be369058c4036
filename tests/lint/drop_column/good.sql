create table app.fresh (
    id   bigint primary key,
    note text
);
alter table app.fresh drop column note;

alter table app.docs add column helper text;
alter table app.docs drop column helper;
