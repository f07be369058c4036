create role inbox_api login;
create schema inbox;
grant usage on schema inbox to inbox_api;
create table inbox.firms (
    id integer primary key,
    name text not null
);
create table inbox.folders (
    firm_id integer not null references inbox.firms,
    name text not null,
    primary key (firm_id, name)
);
create table inbox.messages (
    id uuid primary key default gen_random_uuid(),
    firm_ids integer[] not null check (cardinality(firm_ids) > 0),
    subject text not null
);
create function inbox.firm() returns integer language sql stable
as $$ select nullif(current_setting('inbox.firm', true), '')::integer $$;
alter table inbox.firms enable row level security;
alter table inbox.folders enable row level security;
create policy f on inbox.firms for select to inbox_api using (id = inbox.firm());
create policy o on inbox.folders to inbox_api using (firm_id = inbox.firm());
grant select on inbox.firms, inbox.messages to inbox_api;
grant select, insert, update, delete on inbox.folders to inbox_api;
insert into inbox.firms values (1, 'Acme'), (2, 'Globex'), (3, 'Initech');
insert into inbox.folders values (1, 'in'), (2, 'in');
insert into inbox.messages (firm_ids, subject) values ('{1,3}', 'SECRET subject'), ('{2,3}', 'own subject');
