-- Runs through row security: the filters only say to the planner what the policy says anyway.

create or replace function core.my_notifications(p_unread_only boolean default true, p_limit integer default 50, p_cursor text default null)
returns table ("row" jsonb, next_cursor text)
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_user   uuid := core.require_user();
    v_limit  integer := least(greatest(coalesce(p_limit, 50), 1), 100);
    v_after  jsonb := core.decode_cursor(p_cursor, '{"created_at": "timestamptz", "id": "uuid"}');
begin
    return query
        with page as (
            select n.id, n.kind, n.title, n.body, n.entity_type, n.entity_id, n.read_at, n.created_at,
                   row_number() over (order by n.created_at desc, n.id desc) as position
              from core.user_notifications as n
             where n.tenant_id = v_tenant
               and n.user_id = v_user
               and (n.read_at is null or p_unread_only is false)
               and (v_after is null or (n.created_at, n.id) < ((v_after ->> 'created_at')::timestamptz, (v_after ->> 'id')::uuid))
             order by n.created_at desc, n.id desc
             limit v_limit + 1
        )
        select jsonb_build_object(
                   'id', p.id, 'kind', p.kind, 'title', p.title, 'body', p.body,
                   'entity_type', p.entity_type, 'entity_id', p.entity_id, 'read_at', p.read_at, 'created_at', p.created_at),
               (select core.encode_cursor(jsonb_build_object('created_at', last.created_at, 'id', last.id))
                  from page as last
                 where last.position = v_limit and exists (select from page as beyond where beyond.position > v_limit))
          from page as p
         where p.position <= v_limit
         order by p.position;
end
$fn$;

revoke execute on function core.my_notifications(boolean, integer, text) from public;
grant execute on function core.my_notifications(boolean, integer, text) to app_user, app_readonly;

comment on function core.my_notifications(boolean, integer, text) is
    'What the current person was told in the active tenant, newest first, up to 100; only what is unread unless p_unread_only is false. '
    'next_cursor, the same on every row, continues behind the page and is null on the last one. Reads only. Errors: PT400 malformed '
    'cursor, PT401 nobody is signed in, PT403 no tenant named.';
