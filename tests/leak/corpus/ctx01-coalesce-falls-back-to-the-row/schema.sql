create role pay_api login;
create schema pay;
grant usage on schema pay to pay_api;

create domain pay.merchant_code as text check (value ~ '^M[0-9]{4}$');
create table pay.merchants (
    code pay.merchant_code primary key,
    name text not null
);
create table pay.charges (
    merchant pay.merchant_code not null references pay.merchants,
    reference text not null check (reference ~ '^ch_[a-z0-9]{6}$'),
    amount_cents bigint not null check (amount_cents between 1 and 10000000),
    card_last4 char(4) check (card_last4 ~ '^[0-9]{4}$'),
    primary key (merchant, reference)
);
alter table pay.merchants enable row level security, force row level security;
alter table pay.charges enable row level security, force row level security;
create policy merchants on pay.merchants for select to pay_api
    using (code = nullif(current_setting('pay.merchant', true), ''));
create policy charges on pay.charges to pay_api
    using (merchant = coalesce(nullif(current_setting('pay.merchant', true), ''), merchant));
grant select on pay.merchants to pay_api;
grant select, insert, update, delete on pay.charges to pay_api;

insert into pay.merchants values ('M0001', 'Acme'), ('M0002', 'Globex');
insert into pay.charges values ('M0001', 'ch_aaaaaa', 100, '1111'), ('M0002', 'ch_bbbbbb', 200, '2222');
