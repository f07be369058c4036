create table app.special_docs ( -- finding
    extra text,
    primary key (id)
) inherits (app.docs);

alter table app.special_docs inherit app.docs; -- finding
