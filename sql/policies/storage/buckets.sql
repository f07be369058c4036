-- storage.buckets: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table storage.buckets enable row level security;
alter table storage.buckets force row level security;

create policy system_all on storage.buckets
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on storage.buckets
    for select to app_user, app_readonly, app_worker
    using (true);

comment on policy system_all on storage.buckets is 'Owner and definer functions see every row.';
comment on policy select_all on storage.buckets is 'Limits are the same for everybody.';

grant select on storage.buckets to app_user, app_readonly, app_worker;
