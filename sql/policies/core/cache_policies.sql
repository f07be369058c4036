-- core.cache_policies: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.cache_policies enable row level security;
alter table core.cache_policies force row level security;

create policy system_all on core.cache_policies
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.cache_policies
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.cache_policies is 'Owner and definer functions see every row.';
comment on policy select_all on core.cache_policies is 'Reference data, the same for every tenant.';

grant select on core.cache_policies to app_user, app_readonly;
