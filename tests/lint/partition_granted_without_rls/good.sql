create table app.events_2029 (
    tenant_id  uuid not null,
    at         timestamptz not null,
    account_id uuid
);
alter table app.events_2029 enable row level security;
alter table app.events_2029 force row level security;
create policy members on app.events_2029 for select to app_user using (tenant_id = (select app.current_tenant()));
alter table app.events_2029 add constraint bound check (at >= '2029-01-01' and at < '2030-01-01');
alter table app.events attach partition app.events_2029 for values from ('2029-01-01') to ('2030-01-01');
grant select on app.events_2029, app.events to app_user;
