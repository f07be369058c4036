alter table app.accounts add column order_id uuid;
alter table app.accounts
    add constraint accounts_order_id_fkey foreign key (order_id) references app.orders (id) not valid; -- finding
alter table app.accounts
    add constraint accounts_mixed_fkey foreign key (order_id, tenant_id) -- finding
        references app.orders (tenant_id, id) not valid;
create index accounts_order_id_idx on only app.accounts (order_id, tenant_id);
alter table app.orders
    add constraint orders_account_id_fkey foreign key (tenant_id, account_id) -- finding
        references app.accounts (tenant_id, id) on delete set null not valid;
