-- core.cache_entries: members see what their tenant has cached, not the values: an entry may be stale, which core.cache_get knows.

alter table core.cache_entries enable row level security;
alter table core.cache_entries force row level security;

create policy system_all on core.cache_entries
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.cache_entries
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) and expires_at > now());

comment on policy system_all on core.cache_entries is 'Owner and definer functions see every row.';
comment on policy select_members on core.cache_entries is 'Members of the active tenant see its entries until they expire.';

grant select (tenant_id, key, variant, tags, created_at, expires_at) on core.cache_entries to app_user, app_readonly;
-- No writes: core.cache_set and core.cache_invalidate.
