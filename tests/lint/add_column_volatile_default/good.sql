alter table app.docs add column made_at timestamptz not null default now();
alter table app.docs add column tenant uuid default app.current_tenant();
alter table app.docs add column public_id uuid;
alter table app.docs alter column public_id set default gen_random_uuid();

create table app.fresh (
    id bigint primary key
);
alter table app.fresh add column public_id uuid default gen_random_uuid();
