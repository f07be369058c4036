create table app.lines (
    tenant_id  uuid not null references app.tenants (id),
    id         uuid not null,
    account_id uuid not null,
    order_id   uuid not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, account_id) references app.accounts (tenant_id, id),
    foreign key (tenant_id, order_id) references app.orders (tenant_id, id)
);
create index lines_account_id_idx on app.lines (account_id);
create index lines_order_id_idx on app.lines (tenant_id, order_id, account_id);
alter table app.lines enable row level security;
alter table app.lines force row level security;
create policy members on app.lines for select to app_user using (tenant_id = (select app.current_tenant()));
