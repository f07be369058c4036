create table app.bills (
    tenant_id uuid not null,
    id        uuid not null,
    total     numeric(12, 2),
    state     app.order_state,
    primary key (tenant_id, id)
);
alter table app.bills enable row level security;
alter table app.bills force row level security;
create policy members on app.bills for select to app_user using (tenant_id = (select app.current_tenant()));
create index bills_total_idx on app.bills (tenant_id, total); -- finding
create index bills_state_idx on app.bills (tenant_id, state); -- finding
