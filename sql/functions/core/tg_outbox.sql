-- Attached per event as core.attach_outbox does it:
--     create trigger _600_outbox_update after update on <table> referencing new table as changed_rows for each statement
--         execute function core.tg_outbox('<channel>', '<tenant column>', '{<key columns>}', '{<columns of the payload>}');
-- (for delete: old table as changed_rows). The payload columns are named one by one, so a column added later is not sent before
-- somebody decides that every member may read it.

create or replace function core.tg_outbox() returns trigger
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user   uuid := core.current_user_id();
    v_tenant record;
begin
    -- A row that belongs to no tenant has nobody to tell.
    for v_tenant in
        select distinct (to_jsonb(r) ->> tg_argv[1])::uuid as id from changed_rows as r where to_jsonb(r) ->> tg_argv[1] is not null
    loop
        perform core.announce_events(v_tenant.id);
    end loop;

    for v_tenant in
        with events as (
            insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id, payload)
            select changed.tenant_id,
                   tg_argv[0],
                   tg_op,
                   tg_table_schema || '.' || tg_table_name,
                   (select string_agg(changed.doc ->> k.name, ',' order by k.position)
                      from unnest(tg_argv[2]::text[]) with ordinality as k (name, position)),
                   jsonb_build_object(
                       'row', (select coalesce(jsonb_object_agg(c.name, changed.doc -> c.name), '{}') from unnest(tg_argv[3]::text[]) as c (name)),
                       -- who did it, so that listeners need not ask; a person outside the tenant stays unnamed
                       'user', case when u.id is not null then jsonb_build_object('id', u.id, 'name', u.name, 'email', u.email) end)
              from (select to_jsonb(r) as doc, (to_jsonb(r) ->> tg_argv[1])::uuid as tenant_id from changed_rows as r) as changed
              left join core.memberships as m on m.tenant_id = changed.tenant_id and m.user_id = v_user and m.status = 'active'
              left join core.users as u on u.id = m.user_id
             where changed.tenant_id is not null
            returning tenant_id, id
        )
        select e.tenant_id as id, max(e.id) as last_event from events as e group by e.tenant_id
    loop
        perform core.notify_outbox(v_tenant.id, tg_argv[0], v_tenant.last_event);
    end loop;
    return null;
end
$fn$;

alter function core.tg_outbox() owner to app_definer;
revoke execute on function core.tg_outbox() from public;

comment on function core.tg_outbox() is
    'Statement trigger: one outbox event per changed row, {"row": …, "user": {id, name, email}}, and one wake-up per tenant. '
    'Errors: 23514 malformed channel.';
