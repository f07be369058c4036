alter table app.docs drop column body; -- finding
alter table if exists app.orders add column region text, drop column if exists total; -- finding
