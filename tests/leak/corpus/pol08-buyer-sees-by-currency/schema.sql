create role market_api login;
create schema market;
grant usage on schema market to market_api;

create table market.companies (
    id bigint primary key,
    name text not null,
    segment text not null default 'retail' check (segment in ('retail', 'wholesale'))
);
create table market.trades (
    id bigint primary key,
    seller_id bigint not null references market.companies,
    buyer_id bigint not null references market.companies,
    price numeric not null check (price > 0),
    check (seller_id <> buyer_id)
);
create table market.quotes (
    company_id bigint not null references market.companies,
    quote_no integer not null,
    segment text not null default 'retail' check (segment in ('retail', 'wholesale')),
    price numeric not null check (price > 0),
    remark text,
    primary key (company_id, quote_no)
);
create function market.company() returns bigint language sql stable
as $$ select nullif(current_setting('market.company', true), '')::bigint $$;

alter table market.companies enable row level security, force row level security;
alter table market.trades enable row level security, force row level security;
alter table market.quotes enable row level security, force row level security;
create policy self on market.companies for select to market_api using (id = market.company());
create policy parties on market.trades for select to market_api
    using (seller_id = market.company() or buyer_id = market.company());
create policy same_segment on market.quotes for select to market_api
    using (segment = (select c.segment from market.companies c where c.id = market.company()));
create policy add_own on market.quotes for insert to market_api with check (company_id = market.company());
grant select on market.companies, market.trades to market_api;
grant select, insert on market.quotes to market_api;

insert into market.companies values (1, 'Acme'), (2, 'Globex'), (3, 'Initech');
insert into market.trades values (1, 1, 3, 10), (2, 2, 3, 20);
insert into market.quotes (company_id, quote_no, price, remark) values (1, 1, 9, 'SECRET floor price'), (2, 1, 8, 'own quote');
