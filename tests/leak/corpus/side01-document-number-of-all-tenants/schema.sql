create role dl login;
create schema dl;
grant usage on schema dl to dl;
create table dl.t (
    code text primary key
);
create sequence dl.doc_no;
create table dl.deliveries (
    code text not null references dl.t,
    doc bigint not null default nextval('dl.doc_no'),
    note text,
    primary key (code, doc)
);
alter table dl.t enable row level security;
alter table dl.deliveries enable row level security;
create policy p on dl.t for select using (code = current_setting('dl.code', true));
create policy p on dl.deliveries using (code = current_setting('dl.code', true));
grant select on dl.t to dl;
grant select, insert on dl.deliveries to dl;
grant usage, select on sequence dl.doc_no to dl;
insert into dl.t values ('acme'), ('globex');
insert into dl.deliveries (code, note) values ('acme', 'theirs'), ('acme', 'theirs'), ('globex', 'own note');
