-- core.backup_runs: closed to every application role; written by functions, read by whoever watches backups as app_definer.

alter table core.backup_runs enable row level security;
alter table core.backup_runs force row level security;

create policy system_all on core.backup_runs
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.backup_runs
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.backup_runs is 'Owner and definer functions see every row.';
comment on policy closed on core.backup_runs is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- The backup login says what it did by core.start_backup and core.finish_backup.
grant usage on schema core to dbkit_backup;
