-- core.restore_verifications: closed to every application role; written by functions, read by whoever watches backups as app_definer.

alter table core.restore_verifications enable row level security;
alter table core.restore_verifications force row level security;

create policy system_all on core.restore_verifications
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.restore_verifications
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.restore_verifications is 'Owner and definer functions see every row.';
comment on policy closed on core.restore_verifications is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
