alter table app.orders add constraint orders_total_positive check (total >= 0) not valid;
alter table app.orders
    add constraint orders_account_id_fkey foreign key (tenant_id, account_id)
        references app.accounts (tenant_id, id) not valid;
-- dbkit: allow fk_added_with_column because the tables are small
alter table app.docs add column tenant uuid references app.tenants (id);
create index docs_tenant_idx on only app.docs (tenant);
create table app.fresh (id bigint primary key, code text);
alter table app.fresh add constraint fresh_code_there check (code <> '');
-- before PostgreSQL 18 there is no NOT VALID for the foreign key of a partitioned table
create index events_account_id_idx on only app.events (tenant_id, account_id);
alter table app.events
    add constraint events_account_id_fkey foreign key (tenant_id, account_id) references app.accounts (tenant_id, id);
