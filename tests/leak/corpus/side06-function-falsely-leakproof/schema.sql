create role search_app login;
create schema search;
grant usage on schema search to search_app;
create table search.tenants (
    id integer primary key
);
create table search.contacts (
    tenant_id integer not null references search.tenants,
    id integer generated always as identity,
    phone text not null,
    primary key (id)
);
create function search.normalize(p_phone text) returns text
language plpgsql immutable leakproof cost 0.01 as $$
begin
    if p_phone !~ '^\+?[0-9 ]+$' then
        raise exception 'not a phone number: %', p_phone;
    end if;
    return replace(p_phone, ' ', '');
end $$;
alter table search.tenants enable row level security;
alter table search.contacts enable row level security;
create policy t on search.tenants for select to search_app
    using (id = nullif(current_setting('search.tenant', true), '')::integer);
create policy c on search.contacts to search_app
    using (tenant_id = nullif(current_setting('search.tenant', true), '')::integer);
grant select on search.tenants to search_app;
grant select, insert on search.contacts to search_app;
insert into search.tenants values (1), (2);
insert into search.contacts (tenant_id, phone) values (1, 'LEAK secret hotline'), (2, '+49 30 1');
