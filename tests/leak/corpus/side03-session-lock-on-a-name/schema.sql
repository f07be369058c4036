create role io_owner nologin;
create role io_api login;
create schema iot authorization io_owner;
grant usage on schema iot to io_api;
set role io_owner;
create table iot.org (id bigint primary key, name text not null);
create table iot.device (org_id bigint not null references iot.org, id uuid not null default gen_random_uuid(), label text not null, firmware text not null default '1.0', primary key (org_id, id));
create table iot.reading (org_id bigint not null, device_id uuid not null, at timestamptz not null, metric text not null, value double precision not null,
  primary key (org_id, device_id, at, metric), foreign key (org_id, device_id) references iot.device) partition by range (at);
create table iot.reading_2026_01 partition of iot.reading for values from ('2026-01-01') to ('2026-02-01');
create table iot.reading_rest partition of iot.reading default;
create table iot.alert (org_id bigint not null, id uuid not null default gen_random_uuid(), device_id uuid not null, severity text not null check (severity in ('low','high')), message text not null,
  primary key (org_id, id), foreign key (org_id, device_id) references iot.device on delete cascade);
alter table iot.org enable row level security;
alter table iot.org force row level security;
alter table iot.device enable row level security;
alter table iot.device force row level security;
alter table iot.reading enable row level security;
alter table iot.reading force row level security;
alter table iot.reading_2026_01 enable row level security;
alter table iot.reading_2026_01 force row level security;
alter table iot.reading_rest enable row level security;
alter table iot.reading_rest force row level security;
alter table iot.alert enable row level security;
alter table iot.alert force row level security;
create policy org_self on iot.org for select to io_api using (id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org')::bigint));
create policy device_isolation on iot.device to io_api
  using (org_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org')::bigint))
  with check (org_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org')::bigint));
create policy reading_isolation on iot.reading to io_api
  using (org_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org')::bigint))
  with check (org_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org')::bigint));
create policy alert_isolation on iot.alert to io_api
  using (org_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org')::bigint))
  with check (org_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org')::bigint));
grant select on iot.org to io_api;
grant select, insert, update, delete on iot.device, iot.reading, iot.alert to io_api;
reset role;
create function iot.lock_device(p_label text) returns boolean language sql as $$ select pg_try_advisory_lock(hashtext(p_label)) $$;
reset role;
insert into iot.org values (1, 'Acme'), (2, 'Globex');
insert into iot.device (org_id, id, label) values (1, '11111111-1111-4111-8111-111111111111', 'SECRET-A reactor'), (2, '22222222-2222-4222-8222-222222222222', 'own-B');
insert into iot.reading values (1, '11111111-1111-4111-8111-111111111111', '2026-01-10', 'temp', 911), (2, '22222222-2222-4222-8222-222222222222', '2026-01-10', 'temp', 20);
insert into iot.alert values (1, '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', 'high', 'SECRET-A meltdown'), (2, '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', 'low', 'own-B alert');
