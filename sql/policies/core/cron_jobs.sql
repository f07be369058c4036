-- core.cron_jobs: the schedule of the installation. Monitoring reads it, seeds and definer functions write it.

alter table core.cron_jobs enable row level security;
alter table core.cron_jobs force row level security;

create policy system_all on core.cron_jobs
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.cron_jobs
    for select to app_monitor
    using (true);

comment on policy system_all on core.cron_jobs is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.cron_jobs is 'What the installation does, no tenant''s data.';

grant select on core.cron_jobs to app_monitor;

create trigger _300_touch_updated_at
    before update on core.cron_jobs
    for each row execute function core.tg_touch_updated_at();
