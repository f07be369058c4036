create role files_app login;
create schema files;
grant usage on schema files to files_app;
create table files.accounts (
    account text primary key,
    plan text default 'free'
);
create table files.docs (
    account text not null references files.accounts,
    doc uuid not null default gen_random_uuid(),
    title text,
    primary key (doc)
);
create table files.shares (
    doc uuid not null,
    with_account text not null,
    primary key (doc, with_account)
);
create function files.me() returns text
language sql stable as $$
    select nullif(current_setting('files.account', true), '')
$$;
alter table files.accounts enable row level security;
alter table files.docs enable row level security;
alter table files.shares enable row level security;
create policy a on files.accounts for select using (account = files.me());
create policy d on files.docs for select
    using (account = files.me() or exists (select 1 from files.shares s
         where s.doc = docs.doc and s.with_account = files.me()));
create policy di on files.docs for insert with check (account = files.me());
create policy sh_read on files.shares for select using (with_account = files.me());
create policy sh_add on files.shares for insert with check (with_account = files.me());
grant select on files.accounts to files_app;
grant select, insert on files.docs, files.shares to files_app;
insert into files.accounts values ('acme'), ('globex');
insert into files.docs values
    ('acme', '10000000-0000-4000-8000-000000000001', 'SECRET title'),
    ('globex', '20000000-0000-4000-8000-000000000002', 'own title');
