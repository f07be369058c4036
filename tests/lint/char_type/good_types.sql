create domain app.country as text;
create type app.address as (street text, kind "char");
