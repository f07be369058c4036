-- core.alert_rules: what is watched. Monitoring reads it, seeds and definer functions write it.

alter table core.alert_rules enable row level security;
alter table core.alert_rules force row level security;

create policy system_all on core.alert_rules
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.alert_rules
    for select to app_monitor
    using (true);

comment on policy system_all on core.alert_rules is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.alert_rules is 'What the installation does, no tenant''s data.';

grant select on core.alert_rules to app_monitor;

create trigger _300_touch_updated_at
    before update on core.alert_rules
    for each row execute function core.tg_touch_updated_at();
