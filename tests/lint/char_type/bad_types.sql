create domain app.country as character(2); -- finding
create type app.address as (
    street text,
    country char(2) -- finding
);
