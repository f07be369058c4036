-- dbkit: allow policy_without_role -- finding
create policy published_read on app.docs for select using (body <> '');
create index orders_total_idx on app.orders (total); -- dbkit: allow index_blocks_writes -- finding
