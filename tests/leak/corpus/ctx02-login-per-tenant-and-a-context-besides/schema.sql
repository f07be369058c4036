create role fn_owner nologin;
create role fn_firms nologin;
create role fn_firm_a login;
create role fn_firm_b login;
grant fn_firms to fn_firm_a, fn_firm_b;
create schema acl authorization fn_owner;
grant usage on schema acl to fn_firms;
grant usage, create on schema public to fn_owner;
grant usage on schema public to fn_firms;
set role fn_owner;
create table acl.firms (firm_no smallint primary key, login name not null unique, title text not null);
create function acl.my_firm() returns smallint language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select firm_no from acl.firms where login = session_user $$;
create table ledgers (
  firm_no smallint not null references acl.firms,
  id      integer not null,
  title   text not null,
  primary key (firm_no, id)
);
create table postings (
  firm_no   smallint not null,
  ledger_id integer not null,
  line      integer not null,
  amount    numeric(12,2) not null,
  purpose   text,
  primary key (firm_no, ledger_id, line),
  foreign key (firm_no, ledger_id) references ledgers
);
alter table acl.firms enable row level security;
alter table ledgers enable row level security;
alter table ledgers force row level security;
alter table postings enable row level security;
alter table postings force row level security;
create policy firm_rows on ledgers to fn_firms using (firm_no = acl.my_firm()) with check (firm_no = acl.my_firm());
create policy firm_rows on postings to fn_firms using (firm_no = acl.my_firm()) with check (firm_no = acl.my_firm());
grant select, insert, update, delete on ledgers, postings to fn_firms;
reset role;

insert into acl.firms values (1, 'fn_firm_a', 'Acme'), (2, 'fn_firm_b', 'Globex');
insert into ledgers values (1, 1, 'SECRET-A ledger'), (2, 2, 'own-B');
insert into postings values (1, 1, 1, 100, 'SECRET-A posting'), (2, 2, 1, 5, 'own-B posting');

create or replace function acl.my_firm() returns smallint language sql stable set search_path = pg_catalog, pg_temp
  as $$ select nullif(current_setting('acl.firm', true), '')::smallint $$;
