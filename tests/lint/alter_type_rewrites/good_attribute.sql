create type app.place as (street text, zip text);
alter type app.place alter attribute zip type integer;
alter type app.place add attribute city text cascade;
