create role doc_app login;
create schema doc;
grant usage on schema doc to doc_app;
create table doc.tenants (
    id text primary key
);
create table doc.events (
    id uuid primary key default gen_random_uuid(),
    body jsonb not null check (jsonb_typeof(body) = 'object' and body ? 'tenant'),
    tenant_id text generated always as (body ->> 'tenant') stored not null references doc.tenants
);
create index events_tenant_id_idx on doc.events (tenant_id);
create index events_body_idx on doc.events using gin (body jsonb_path_ops);
alter table doc.tenants enable row level security;
alter table doc.events enable row level security;
create policy own on doc.tenants for select to doc_app using (id = current_setting('doc.tenant', true));
create policy own on doc.events to doc_app using (tenant_id = current_setting('doc.tenant', true));
grant select on doc.tenants to doc_app;
grant select, insert (body), update (body) on doc.events to doc_app;
insert into doc.tenants values ('acme'), ('globex');
insert into doc.events (body) values
    ('{"tenant": "acme", "kind": "SECRET kind"}'), ('{"tenant": "globex", "kind": "own kind"}');
