alter table app.orders add column price numeric(12, 2), add column weight numeric;
