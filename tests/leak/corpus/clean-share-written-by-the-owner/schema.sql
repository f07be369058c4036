create role so login;
create schema so;
grant usage on schema so to so;
create table so.accounts (
    id bigint primary key
);
create table so.parcels (
    account_id bigint not null references so.accounts,
    id bigint not null,
    code text not null,
    primary key (account_id, id)
);
create table so.shares (
    account_id bigint not null,
    parcel_id bigint not null,
    to_account bigint not null references so.accounts,
    primary key (account_id, parcel_id, to_account)
);
alter table so.accounts enable row level security;
alter table so.parcels enable row level security;
alter table so.shares enable row level security;
create policy p on so.accounts for select using (id = nullif(current_setting('so.t', true), '')::bigint);
create policy own_parcels on so.parcels using (account_id = nullif(current_setting('so.t', true), '')::bigint);
create policy shared_parcels on so.parcels for select
    using (
        exists (
            select 1 from so.shares s
            where s.account_id = parcels.account_id and s.parcel_id = parcels.id and s.to_account = nullif(current_setting('so.t', true), '')::bigint
        )
    );
create policy shares_read on so.shares for select using (nullif(current_setting('so.t', true), '')::bigint in (account_id, to_account));
create policy shares_add on so.shares for insert with check (account_id = nullif(current_setting('so.t', true), '')::bigint);
create policy shares_drop on so.shares for delete using (account_id = nullif(current_setting('so.t', true), '')::bigint);
grant select on so.accounts to so;
grant select, insert, update, delete on so.parcels to so;
grant select, insert, delete on so.shares to so;
insert into so.accounts values (1), (2);
insert into so.parcels values (1, 1, 'secret'), (2, 2, 'own');
