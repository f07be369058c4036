-- core.alerts: what was noticed. Monitoring reads it, seeds and definer functions write it.

alter table core.alerts enable row level security;
alter table core.alerts force row level security;

create policy system_all on core.alerts
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.alerts
    for select to app_monitor
    using (true);

comment on policy system_all on core.alerts is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.alerts is 'What the installation does, no tenant''s data.';

grant select on core.alerts to app_monitor;
