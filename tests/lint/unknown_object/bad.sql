alter table app.acounts add column region text; -- finding
-- dbkit: allow index_blocks_writes because that is not the point
create index on app.ordres (id); -- finding
