-- Priorities above are the platform's own: what it has to tell stands behind nothing a tenant queues. Said once for core.add_job, which
-- asks by itself whether it has to be said, and core.enqueue_many.

create or replace function core.refuse_priority(p_priority integer, p_is_internal boolean) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if not p_is_internal and p_priority not between -1000 and 1000 then
        perform core.raise_error('PT422', 'invalid', 'A priority is from -1,000 to 1,000.', '{"priority": "must be from -1000 to 1000"}');
    end if;
end
$fn$;

alter function core.refuse_priority(integer, boolean) owner to app_definer;
revoke execute on function core.refuse_priority(integer, boolean) from public;

comment on function core.refuse_priority(integer, boolean) is
    'Stop where an application asks for a priority beyond 1,000; null, the type''s, passes, and what functions of the database ask for. '
    'Errors: PT422.';
