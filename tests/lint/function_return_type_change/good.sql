create or replace function app.current_tenant() returns uuid
    language sql stable set search_path = ''
    return null;

drop function app.current_tenant();
create function app.current_tenant() returns text
    language sql stable set search_path = ''
    return 'x';
