-- finding: app.notes
-- finding: app.few
create schema app;
create table app.notes (id bigint primary key, tenant_id uuid not null, body text);
create index notes_body_idx on app.notes (body, tenant_id);
insert into app.notes select n, gen_random_uuid() from generate_series(1, 5000) n;
analyze app.notes;
create table app.few (id bigint primary key, tenant_id uuid not null);
