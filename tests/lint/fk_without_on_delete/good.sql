create table app.notes (
    tenant_id  uuid not null references app.tenants (id) on delete no action,
    id         uuid not null,
    account_id uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint notes_account_fk foreign key (tenant_id, account_id) references app.accounts (tenant_id, id)
        -- a note outlives its account
        on update cascade on delete set null (account_id)
);
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy members_select on app.notes for select to app_user using (tenant_id = (select app.current_tenant()));
create index notes_account_idx on app.notes (tenant_id, account_id);
