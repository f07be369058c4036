create role grid_owner nologin;
create role grid_app login;
create schema grid authorization grid_owner;
grant usage on schema grid to grid_app;
set role grid_owner;
create table grid.tenants (
    id integer primary key
);
create table grid.rows (
    tenant_id integer not null references grid.tenants,
    id integer not null,
    name text not null,
    amount numeric not null default 0,
    primary key (tenant_id, id)
);
create function grid.tenant() returns integer language sql stable
as $$ select nullif(current_setting('grid.tenant', true), '')::integer $$;
alter table grid.tenants enable row level security;
alter table grid.rows enable row level security;
create policy own on grid.tenants for select to grid_app using (id = grid.tenant());
create policy own on grid.rows to grid_app using (tenant_id = grid.tenant());
grant select on grid.tenants to grid_app;
grant select, insert, update, delete on grid.rows to grid_app;
create function grid.page(p_order text, p_descending boolean, p_like text) returns setof grid.rows
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_order not in ('name', 'amount') then
        raise exception 'unknown order: %', p_order using errcode = 'invalid_parameter_value';
    end if;
    return query execute format(
        'select * from grid.rows where tenant_id = grid.tenant() and name like $1 order by %I %s',
        p_order, case when p_descending then 'desc' else 'asc' end
    ) using p_like;
end $$;
insert into grid.tenants values (1), (2);
insert into grid.rows values (1, 1, 'SECRET row', 1), (2, 1, 'own row', 2);
