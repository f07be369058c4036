alter table app.orders add constraint orders_total_positive check (total >= 0); -- finding
alter table app.orders
    add constraint orders_account_id_fkey foreign key (tenant_id, account_id) -- finding
        references app.accounts (tenant_id, id);
alter table app.accounts add column plan text check (plan <> ''); -- finding
