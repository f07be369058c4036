create role sr login;
create schema sr;
grant usage on schema sr to sr;
create table sr.accounts (
    id bigint primary key
);
create table sr.parcels (
    account_id bigint not null references sr.accounts,
    id bigint not null,
    code text not null,
    primary key (account_id, id)
);
create table sr.shares (
    account_id bigint not null,
    parcel_id bigint not null,
    to_account bigint not null references sr.accounts,
    primary key (account_id, parcel_id, to_account)
);
alter table sr.accounts enable row level security;
alter table sr.parcels enable row level security;
alter table sr.shares enable row level security;
create policy p on sr.accounts for select using (id = nullif(current_setting('sr.t', true), '')::bigint);
create policy own_parcels on sr.parcels using (account_id = nullif(current_setting('sr.t', true), '')::bigint);
create policy shared_parcels on sr.parcels for select
    using (
        exists (
            select 1 from sr.shares s
            where s.account_id = parcels.account_id and s.parcel_id = parcels.id and s.to_account = nullif(current_setting('sr.t', true), '')::bigint
        )
    );
create policy shares_read on sr.shares for select using (nullif(current_setting('sr.t', true), '')::bigint in (account_id, to_account));
create policy shares_add on sr.shares for insert with check (nullif(current_setting('sr.t', true), '')::bigint in (account_id, to_account));
create policy shares_drop on sr.shares for delete using (account_id = nullif(current_setting('sr.t', true), '')::bigint);
grant select on sr.accounts to sr;
grant select, insert, update, delete on sr.parcels to sr;
grant select, insert, delete on sr.shares to sr;
insert into sr.accounts values (1), (2);
insert into sr.parcels values (1, 1, 'secret'), (2, 2, 'own');
