-- The first reading counts: marking again does not move read_at.

create or replace function core.mark_notification_read(p_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    update core.user_notifications as n
       set read_at = coalesce(n.read_at, clock_timestamp())
     where n.tenant_id = v_tenant and n.id = p_id;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'The current person has no such notification here.');
    end if;
end
$fn$;

revoke execute on function core.mark_notification_read(uuid) from public;
grant execute on function core.mark_notification_read(uuid) to app_user;

comment on function core.mark_notification_read(uuid) is
    'Mark one of the current person''s notifications in the active tenant as read. Idempotent. Errors: PT401 nobody is signed in, '
    'PT403 no tenant named, PT404 no such notification of theirs.';
