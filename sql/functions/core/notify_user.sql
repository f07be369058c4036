-- The event says who has news and of what kind; the text stays in the row only the person can read.

create or replace function core.notify_user(
    p_user_id uuid, p_kind text, p_title text, p_body text default null, p_entity_type text default null, p_entity_id text default null
) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_id     uuid;
begin
    if coalesce(p_kind, '') = '' or coalesce(p_title, '') = '' then
        perform core.raise_error('PT422', 'invalid', 'A notification has a kind and a title.', '{"title": "missing"}');
    end if;

    insert into core.user_notifications (tenant_id, user_id, kind, title, body, entity_type, entity_id)
    select m.tenant_id, m.user_id, p_kind, p_title, p_body, p_entity_type, p_entity_id
      from core.memberships as m
     where m.tenant_id = v_tenant and m.user_id = p_user_id and m.status = 'active'
    returning id into v_id;
    if v_id is null then
        perform core.raise_error('PT404', 'not_found', 'No active member of this tenant has that id.');
    end if;
    perform core.emit('notifications', 'INSERT', 'core.user_notifications', v_id::text, jsonb_build_object('user_id', p_user_id, 'kind', p_kind));
    return v_id;
end
$fn$;

alter function core.notify_user(uuid, text, text, text, text, text) owner to app_definer;
revoke execute on function core.notify_user(uuid, text, text, text, text, text) from public;
grant execute on function core.notify_user(uuid, text, text, text, text, text) to app_user;

comment on function core.notify_user(uuid, text, text, text, text, text) is
    'Leave a message for a member of the active tenant and tell the channel notifications. Each call is one message; returns its id. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named, PT404 not an active member, PT422 no kind or no title.';
