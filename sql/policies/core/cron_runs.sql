-- core.cron_runs: the log of the schedule. Monitoring reads it, seeds and definer functions write it.

alter table core.cron_runs enable row level security;
alter table core.cron_runs force row level security;

create policy system_all on core.cron_runs
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.cron_runs
    for select to app_monitor
    using (true);

comment on policy system_all on core.cron_runs is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.cron_runs is 'What the installation does, no tenant''s data.';

grant select on core.cron_runs to app_monitor;
