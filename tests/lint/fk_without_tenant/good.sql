alter table app.orders
    add constraint orders_account_id_fkey foreign key (tenant_id, account_id)
        references app.accounts on delete set null (account_id) not valid;
-- a table of nobody's may be referenced by id alone
-- dbkit: allow fk_added_with_column because the tables are small
alter table app.orders add column doc_id bigint references app.docs (id);
create index orders_doc_id_idx on only app.orders (doc_id);
