create role ap login;
create schema ap;
grant usage on schema ap to ap;
create table ap.tenants (
    tid uuid primary key
);
create table ap.assets (
    tid uuid not null references ap.tenants,
    id uuid primary key default gen_random_uuid(),
    label text not null,
    price int
);
alter table ap.tenants enable row level security;
alter table ap.assets enable row level security;
create policy p on ap.tenants for select
    using (tid = nullif(current_setting('ap.tid', true), '')::uuid);
create policy p on ap.assets using (tid = nullif(current_setting('ap.tid', true), '')::uuid);
grant select on ap.tenants to ap;
grant select, insert, update, delete on ap.assets to ap;
create function ap.search(p_filter text, p_sort text default 'label') returns setof ap.assets
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query execute format(
        'select * from ap.assets where label ilike %L and tid = %L order by %s',
        '%' || p_filter || '%', nullif(current_setting('ap.tid', true), ''), p_sort);
end
$$;
insert into ap.tenants values ('a1000000-0000-4000-8000-000000000001'), ('b2000000-0000-4000-8000-000000000002');
insert into ap.assets (tid, label) values
    ('a1000000-0000-4000-8000-000000000001', 'LEAK label'), ('b2000000-0000-4000-8000-000000000002', 'own label');
