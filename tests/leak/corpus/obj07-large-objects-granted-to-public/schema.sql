create role scan_app login;
create schema scan;
grant usage on schema scan to scan_app;
create table scan.offices (
    id integer primary key,
    name text not null
);
create table scan.documents (
    office_id integer not null references scan.offices,
    title text not null,
    content oid not null,
    primary key (office_id, title)
);
alter table scan.offices enable row level security;
alter table scan.documents enable row level security;
create policy o on scan.offices for select to scan_app
    using (id = nullif(current_setting('scan.office', true), '')::integer);
create policy d on scan.documents for select to scan_app
    using (office_id = nullif(current_setting('scan.office', true), '')::integer);
grant select on scan.offices, scan.documents to scan_app;
create function scan.content(p_title text) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select lo_get(d.content) from scan.documents d
     where d.title = p_title and d.office_id = nullif(current_setting('scan.office', true), '')::integer
$$;
insert into scan.offices values (1, 'Acme'), (2, 'Globex');
select lo_from_bytea(70001, 'SECRET scan'), lo_from_bytea(70002, 'own scan');
grant select on large object 70001, 70002 to public;
insert into scan.documents values (1, 'contract', 70001), (2, 'contract', 70002);
