-- dbkit: allow index_blocks_writes because every table of this release is empty

-- migrate:up
create index orders_total_idx on app.orders (tenant_id, total);
create index docs_body_idx on app.docs (body);
-- a rule of another profile is not judged
-- dbkit: allow table_without_rls because colours are for everybody
create table app.colours (name text primary key);
