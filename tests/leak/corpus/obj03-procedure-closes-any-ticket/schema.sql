create role desk_owner nologin;
create role desk_app login;
create schema desk authorization desk_owner;
grant usage on schema desk to desk_app;
set role desk_owner;
create table desk.tenants (
    id text primary key
);
create table desk.tickets (
    tenant_id text not null references desk.tenants,
    id uuid primary key default gen_random_uuid(),
    subject text not null,
    closed_at timestamptz
);
alter table desk.tenants enable row level security;
alter table desk.tickets enable row level security;
create policy t on desk.tenants for select to desk_app using (id = current_setting('desk.tenant', true));
create policy k on desk.tickets to desk_app using (tenant_id = current_setting('desk.tenant', true));
grant select on desk.tenants to desk_app;
grant select, insert (tenant_id, subject) on desk.tickets to desk_app;
create procedure desk.close_tickets(variadic p_tickets uuid[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update desk.tickets set closed_at = clock_timestamp() where id = any (p_tickets) and closed_at is null;
end $$;
insert into desk.tenants values ('acme'), ('globex');
insert into desk.tickets (tenant_id, id, subject) values
    ('acme', '10000000-0000-4000-8000-000000000001', 'theirs'), ('globex', '20000000-0000-4000-8000-000000000002', 'own ticket');
