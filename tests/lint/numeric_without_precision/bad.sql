alter table app.orders add column price numeric; -- finding
