create role stats_owner nologin;
create role stats_app login;
create schema stats authorization stats_owner;
grant usage on schema stats to stats_app;
set role stats_owner;
create table stats.tenants (
    id text primary key
);
create table stats.sales (
    tenant_id text not null references stats.tenants,
    day date not null,
    amount numeric not null check (amount > 0),
    primary key (tenant_id, day)
);
alter table stats.tenants enable row level security;
alter table stats.sales enable row level security;
create policy own on stats.tenants for select to stats_app using (id = current_setting('stats.tenant', true));
create policy own on stats.sales to stats_app using (tenant_id = current_setting('stats.tenant', true));
grant select on stats.tenants to stats_app;
grant select, insert on stats.sales to stats_app;
create materialized view stats.monthly as
    select tenant_id, date_trunc('month', day)::date as month, sum(amount) as amount from stats.sales group by 1, 2;
create function stats.my_months(p_from date default '2000-01-01') returns table (month date, amount numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    me constant text := nullif(current_setting('stats.tenant', true), '');
begin
    if me is null then
        raise exception 'no tenant' using errcode = 'insufficient_privilege';
    end if;
    return query select m.month, m.amount from stats.monthly m where m.tenant_id = me and m.month >= p_from;
end $$;
revoke execute on function stats.my_months from public;
grant execute on function stats.my_months to stats_app;
reset role;
insert into stats.tenants values ('acme'), ('globex');
insert into stats.sales values ('acme', '2026-01-01', 111), ('globex', '2026-01-01', 222);
refresh materialized view stats.monthly;
