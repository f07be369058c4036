-- A turn in units of a tag; a tenant with weight 2 takes half as much of the line for a job.

create or replace function core.fair_turn(p_tenant uuid) returns bigint
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return coalesce((select ceil(1048576 / w.weight)::bigint from core.queue_weights as w where w.tenant_id = p_tenant), 1048576);
end
$fn$;

alter function core.fair_turn(uuid) owner to app_definer;
revoke execute on function core.fair_turn(uuid) from public;

comment on function core.fair_turn(uuid) is 'How far apart the jobs of a tenant stand in a fair lane. Errors: none.';
