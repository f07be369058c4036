create role sh login;
create schema sh;
grant usage on schema sh to sh;
create table sh.t (
    id uuid primary key
);
create table sh.orders (
    t uuid not null references sh.t,
    number int not null,
    paid boolean not null default false,
    primary key (t, number)
);
create table sh.payments (
    t uuid not null references sh.t,
    id uuid not null default gen_random_uuid(),
    order_number int not null,
    primary key (t, id),
    foreign key (t, order_number) references sh.orders (t, number)
);
create function sh.settle() returns trigger
language plpgsql security definer set search_path = sh, pg_temp as $$
begin
    update orders set paid = true where number = new.order_number;
    return null;
end
$$;
create trigger settle after insert on sh.payments for each row execute function sh.settle();
alter table sh.t enable row level security;
alter table sh.orders enable row level security;
alter table sh.payments enable row level security;
create policy p on sh.t for select using (id = nullif(current_setting('sh.t', true), '')::uuid);
create policy p on sh.orders using (t = nullif(current_setting('sh.t', true), '')::uuid);
create policy p on sh.payments using (t = nullif(current_setting('sh.t', true), '')::uuid);
grant select on sh.t to sh;
grant select, insert on sh.orders, sh.payments to sh;
insert into sh.t values ('a1000000-0000-4000-8000-000000000001'), ('b2000000-0000-4000-8000-000000000002');
insert into sh.orders values ('a1000000-0000-4000-8000-000000000001', 1), ('b2000000-0000-4000-8000-000000000002', 1);
