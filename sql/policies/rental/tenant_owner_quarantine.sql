-- rental.tenant_owner_quarantine: closed. It holds renters of nobody, so no landlord may read it.

alter table rental.tenant_owner_quarantine enable row level security;
alter table rental.tenant_owner_quarantine force row level security;

-- Forced row security binds the owner, too; the backfill passes here.
create policy system_all on rental.tenant_owner_quarantine
    for all to app_owner, app_definer
    using (true)
    with check (true);

-- Restrictive, so that no later policy or grant opens the table by itself.
create policy closed on rental.tenant_owner_quarantine
    as restrictive for all to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on rental.tenant_owner_quarantine is 'Owner and definer functions see every row.';
comment on policy closed on rental.tenant_owner_quarantine is 'No application role reads or writes the quarantine.';

-- No grants: a DBA reads the quarantine.
