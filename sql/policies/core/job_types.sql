-- core.job_types: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.job_types enable row level security;
alter table core.job_types force row level security;

create policy system_all on core.job_types
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.job_types
    for select to app_user, app_worker, app_readonly, app_platform_admin
    using (true);

comment on policy system_all on core.job_types is 'Owner and definer functions see every row.';
comment on policy select_all on core.job_types is 'Reference data, the same for every tenant.';

grant select on core.job_types to app_user, app_worker, app_readonly, app_platform_admin;
