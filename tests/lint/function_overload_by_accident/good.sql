drop function app.current_tenant();
create or replace function app.current_tenant(p_user uuid) returns uuid
    language sql stable set search_path = ''
    return p_user;
