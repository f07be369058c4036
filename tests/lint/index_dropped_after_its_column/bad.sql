alter table app.orders drop column account_id;
drop index app.orders_account_id_idx; -- finding
