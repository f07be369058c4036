create role bd login;
create schema bd;
grant usage on schema bd to bd;
create table bd.accounts (
    id bigint primary key
);
create table bd.claims (
    account_id bigint not null references bd.accounts,
    id bigint not null,
    amount integer not null,
    story text,
    primary key (account_id, id)
);
alter table bd.accounts enable row level security;
alter table bd.claims enable row level security;
create policy p on bd.accounts for select using (id = nullif(current_setting('bd.t', true), '')::bigint);
create policy claims_read on bd.claims for select using (account_id = nullif(current_setting('bd.t', true), '')::bigint);
create policy claims_add on bd.claims for insert with check (account_id = nullif(current_setting('bd.t', true), '')::bigint);
create policy claims_drop on bd.claims for delete using (amount < 1000);
grant select on bd.accounts to bd;
grant select, insert, delete on bd.claims to bd;
insert into bd.accounts values (1), (2);
insert into bd.claims values (1, 1, 5, 'secret'), (2, 2, 7, 'own');
