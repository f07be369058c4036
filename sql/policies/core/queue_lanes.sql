-- core.queue_lanes: closed to every application role; core.lane_of writes it, the queue functions read it as app_definer.

alter table core.queue_lanes enable row level security;
alter table core.queue_lanes force row level security;

create policy system_all on core.queue_lanes
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.queue_lanes
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.queue_lanes is 'Owner and definer functions see every row.';
comment on policy closed on core.queue_lanes is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
