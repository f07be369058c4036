create table app.colours ( -- finding
    name text primary key
);
