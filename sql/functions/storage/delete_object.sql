-- The row stays for a day, so that the bytes can be removed by whoever reads the channel storage; its name is free after that.

create or replace function storage.delete_object(p_bucket text, p_name text) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    perform core.require_permission('storage.manage');
    update storage.objects as o
       set state = 'deleted'
     where o.tenant_id = v_tenant and o.bucket_id = p_bucket and o.name = p_name and o.state <> 'deleted';
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such file.');
    end if;
end
$fn$;

alter function storage.delete_object(text, text) owner to app_definer;
revoke execute on function storage.delete_object(text, text) from public;
grant execute on function storage.delete_object(text, text) to app_user;

comment on function storage.delete_object(text, text) is
    'Delete a file of the active tenant: its tokens end at once, its name is free after a day. Needs storage.manage. Not idempotent. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named or permission missing, PT404 no such file.';
