create table if not exists app.docs ( -- finding
    id    bigint primary key,
    title text
);

create table if not exists app.titles ( -- finding
    id bigint primary key
);
