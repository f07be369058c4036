alter table app.docs enable row level security;
alter table app.docs force row level security;
-- dbkit: allow policy_without_role because published pages are for everybody, signed in or not
create policy published_read on app.docs for select using (body <> '');
-- dbkit: allow index_blocks_writes because
-- the table is empty until the next release
create index orders_id_idx on app.orders (tenant_id, id, total);
create index orders_more_idx on app.orders (tenant_id, total, account_id); -- dbkit: allow index-blocks-writes because it is empty
create policy another_read on app.docs as restrictive for select to app_user -- dbkit: allow setting_without_missing_ok, setting_cast_without_nullif because every session sets it
    using (body = (select current_setting('app.body')) and id = (select current_setting('app.id', true)::bigint));
