create role domain_owner nologin;
create role domain_api login;
create schema dns authorization domain_owner;
grant usage on schema dns to domain_api;
set role domain_owner;
create table dns.customers (
    id integer primary key,
    contact text not null
);
create table dns.domains (
    customer_id integer not null references dns.customers,
    name text not null check (name ~ '^[a-z0-9-]+\.[a-z]{2,}$'),
    primary key (customer_id, name)
);
create function dns.refuse_taken() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    holder text;
begin
    select c.contact into holder from dns.domains d join dns.customers c on c.id = d.customer_id
     where d.name = new.name and d.customer_id <> new.customer_id;
    if found then
        raise exception 'domain % is held by %', new.name, holder;
    end if;
    return new;
end $$;
create trigger refuse_taken before insert or update on dns.domains
    for each row execute function dns.refuse_taken();
alter table dns.customers enable row level security;
alter table dns.domains enable row level security;
create policy c on dns.customers for select to domain_api
    using (id = nullif(current_setting('dns.customer', true), '')::integer);
create policy d on dns.domains to domain_api
    using (customer_id = nullif(current_setting('dns.customer', true), '')::integer);
grant select on dns.customers to domain_api;
grant select, insert, delete on dns.domains to domain_api;
insert into dns.customers values (1, 'LEAK ceo@acme.test'), (2, 'bob@globex.test');
insert into dns.domains values (1, 'acme.test'), (2, 'own.test');
