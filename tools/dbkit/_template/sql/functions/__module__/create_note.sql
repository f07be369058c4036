-- __module__.create_note: a member writes a note. Invoker: the caller's own policies and grants decide.

create or replace function __module__.create_note(p_title text, p_body text default '') returns __module__.notes
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_note __module__.notes;
begin
    insert into __module__.notes as n (tenant_id, title, body)
    values (core.require_tenant(), p_title, coalesce(p_body, ''))
    returning n.* into v_note;
    return v_note;
end
$fn$;

revoke execute on function __module__.create_note(text, text) from public;
grant execute on function __module__.create_note(text, text) to app_user;

comment on function __module__.create_note(text, text) is
    'Write a note in the active tenant and return it. Not idempotent. Errors: PT401 nobody is signed in, PT403 no tenant named, '
    '23502 no title, 23514 title too long or empty.';
