alter table app.docs add constraint docs_body_check check (body ~ '^[A-Z|a-z]+$') not valid; -- finding
create table app.notes (
    id    bigint primary key,
    email text check (email ~* '^[^@]+@[a-z0-9.-]+[.][A-Z|a-z]{2,}$') -- finding
);
