create type app.place as (street text, zip text);
alter type app.place add attribute city text cascade, alter attribute zip type varchar cascade;
