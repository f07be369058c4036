create unlogged table app.rate_limits (
    id         bigint primary key,
    created_at timestamptz not null default now()
);
create table app.unlogged (
    id         bigint primary key,
    created_at timestamptz not null default now()
);
alter table app.rate_limits enable row level security;
alter table app.rate_limits force row level security;
create policy system_all on app.rate_limits for all to app_owner using (true) with check (true);
alter table app.unlogged enable row level security;
alter table app.unlogged force row level security;
create policy system_all on app.unlogged for all to app_owner using (true) with check (true);
