create role bank_owner nologin;
create role bank_web login;
create schema bank authorization bank_owner;
grant usage on schema bank to bank_web;
set role bank_owner;
create table bank.customers (
    id uuid primary key,
    name text not null
);
create table bank.postings (
    customer_id uuid not null references bank.customers,
    posted_on date not null,
    seq integer not null,
    amount numeric(14, 2) not null check (amount <> 0),
    purpose text not null default '',
    primary key (customer_id, posted_on, seq)
);
alter table bank.customers enable row level security, force row level security;
alter table bank.postings enable row level security;
create policy c on bank.customers for select to bank_web
    using (id = nullif(current_setting('bank.customer', true), '')::uuid);
create policy p on bank.postings for select to bank_web
    using (customer_id = nullif(current_setting('bank.customer', true), '')::uuid);
grant select on bank.customers, bank.postings to bank_web;
create function bank.statement(p_customer uuid, p_from date default '2000-01-01', p_to date default '2100-01-01')
returns table (posted_on date, amount numeric, purpose text, balance numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    running numeric := 0;
    posting record;
begin
    for posting in
        select x.posted_on, x.amount, x.purpose from bank.postings x
         where x.customer_id = p_customer and x.posted_on between p_from and p_to order by x.posted_on, x.seq
    loop
        running := running + posting.amount;
        return query select posting.posted_on, posting.amount, posting.purpose, running;
    end loop;
end $$;
revoke execute on function bank.statement from public;
grant execute on function bank.statement to bank_web;
reset role;
insert into bank.customers values
    ('a0000000-0000-4000-8000-00000000000a', 'Acme'), ('b0000000-0000-4000-8000-00000000000b', 'Globex');
insert into bank.postings values
    ('a0000000-0000-4000-8000-00000000000a', '2026-01-01', 1, 5, 'SECRET purpose'),
    ('b0000000-0000-4000-8000-00000000000b', '2026-01-01', 1, 6, 'own purpose');
