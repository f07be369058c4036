create or replace function core.put_queue_weight(p_tenant uuid, p_weight numeric) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_weight is null or p_weight not between 0.01 and 1000 then
        perform core.raise_error('PT422', 'invalid', 'A weight is from 0.01 to 1000.', '{"weight": "must be from 0.01 to 1000"}');
    end if;
    perform from core.tenants as t where t.id = p_tenant for key share;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such tenant.');
    end if;
    insert into core.queue_weights as w (tenant_id, weight)
    values (p_tenant, p_weight)
    on conflict (tenant_id) do update set weight = excluded.weight;
end
$fn$;

alter function core.put_queue_weight(uuid, numeric) owner to app_definer;
revoke execute on function core.put_queue_weight(uuid, numeric) from public;
grant execute on function core.put_queue_weight(uuid, numeric) to app_platform_admin;

comment on function core.put_queue_weight(uuid, numeric) is
    'How many turns a tenant gets in fair queues while others get one; counts for jobs queued from now on. Idempotent. '
    'Errors: PT404 no such tenant, PT422 weight out of range.';
