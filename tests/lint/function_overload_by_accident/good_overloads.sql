create function app.label(n integer) returns text language sql immutable set search_path = '' return 'i';
create function app.label(n text) returns text language sql immutable set search_path = '' return 't';
create or replace function app.label(n text) returns text language sql immutable set search_path = '' return 'u';
