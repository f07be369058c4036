-- Row security keeps to the active tenant; the planner sees the filters that were given (custom plans), so each search has its index.

create or replace function core.audit_search(
    p_entity_type text default null, p_entity_id text default null, p_user_id uuid default null,
    p_from timestamptz default null, p_to timestamptz default null,
    p_limit integer default 50, p_cursor text default null, p_action text default null
) returns table ("row" jsonb, next_cursor text)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan
as $fn$
declare
    v_limit integer := least(greatest(coalesce(p_limit, 50), 1), 100);
    v_after jsonb := core.decode_cursor(p_cursor, '{"created_at": "timestamptz", "id": "bigint"}');
    v_time  timestamptz := v_after ->> 'created_at';
    v_id    bigint := v_after ->> 'id';
begin
    perform core.require_permission('audit.view');
    return query
    with found as (
        select l.id, l.created_at, l.user_id, l.action, l.entity_type, l.entity_id, l.old_values, l.new_values, l.changed_columns, l.request_id
          from core.audit_log as l
         where l.tenant_id = core.active_tenant_id()
           and (p_entity_type is null or l.entity_type = p_entity_type)
           and (p_entity_id is null or l.entity_id = p_entity_id)
           and (p_user_id is null or l.user_id = p_user_id)
           and (p_action is null or l.action = p_action)
           and (p_from is null or l.created_at >= p_from)
           and (p_to is null or l.created_at < p_to)
           -- the first says to the index what the second says exactly
           and (v_time is null or l.created_at <= v_time)
           and (v_time is null or (l.created_at, l.id) < (v_time, v_id))
         order by l.created_at desc, l.id desc
         limit v_limit + 1
    ), page as (
        select f.*, row_number() over (order by f.created_at desc, f.id desc) as position, count(*) over () as fetched
          from found as f
    )
    select to_jsonb(p) - '{position,fetched}'::text[],
           case when p.position = v_limit and p.fetched > v_limit
                then core.encode_cursor(jsonb_build_object('created_at', p.created_at, 'id', p.id)) end
      from page as p
     where p.position <= v_limit
     order by p.position;
end
$fn$;

revoke execute on function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text) from public;
grant execute on function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text) to app_user, app_readonly;

comment on function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text) is
    'The history of the active tenant, newest first: of one kind of entity or one entity, by one person, of one action, from p_from to '
    'before p_to. At most p_limit rows (1 to 100); the last row of a page has the cursor of the next one, null when there is none. '
    'Errors: PT401, PT403 without audit.view, PT400 a malformed cursor.';
