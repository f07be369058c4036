create role ads_web login;
create schema ads;
grant usage on schema ads to ads_web;
create table ads.advertisers (
    id uuid primary key,
    name text not null
);
create table ads.clicks (
    advertiser_id uuid not null references ads.advertisers,
    at timestamptz not null,
    cost numeric not null check (cost >= 0),
    primary key (advertiser_id, at)
);
create table ads.daily_spend (
    account text not null,
    day date not null,
    spend numeric not null,
    primary key (account, day)
);
create procedure ads.roll_up() language sql as $$
    insert into ads.daily_spend
    select advertiser_id::text, (at at time zone 'UTC')::date, sum(cost) from ads.clicks group by 1, 2
    on conflict (account, day) do update set spend = excluded.spend
$$;
alter table ads.advertisers enable row level security;
alter table ads.clicks enable row level security;
create policy a on ads.advertisers for select to ads_web
    using (id = nullif(current_setting('ads.advertiser', true), '')::uuid);
create policy c on ads.clicks for select to ads_web
    using (advertiser_id = nullif(current_setting('ads.advertiser', true), '')::uuid);
grant select on ads.advertisers, ads.clicks, ads.daily_spend to ads_web;
insert into ads.advertisers values
    ('a0000000-0000-4000-8000-00000000000a', 'Acme'), ('b0000000-0000-4000-8000-00000000000b', 'Globex');
insert into ads.clicks values
    ('a0000000-0000-4000-8000-00000000000a', '2026-01-01 12:00Z', 111), ('b0000000-0000-4000-8000-00000000000b', '2026-01-01 12:00Z', 222);
call ads.roll_up();
