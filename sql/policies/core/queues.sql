-- core.queues: closed to every application role; core.put_queue writes it, the queue functions read it as app_definer.

alter table core.queues enable row level security;
alter table core.queues force row level security;

create policy system_all on core.queues
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.queues
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.queues is 'Owner and definer functions see every row.';
comment on policy closed on core.queues is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
