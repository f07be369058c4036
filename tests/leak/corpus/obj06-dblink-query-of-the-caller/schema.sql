create role report_app login;
create schema report;
grant usage on schema report to report_app;
create extension dblink;
create table report.tenants (
    id text primary key
);
create table report.figures (
    tenant_id text not null references report.tenants,
    month date not null check (extract(day from month) = 1),
    figure numeric not null,
    primary key (tenant_id, month)
);
alter table report.tenants enable row level security;
alter table report.figures enable row level security;
create policy t on report.tenants for select to report_app using (id = current_setting('report.tenant', true));
create policy f on report.figures to report_app using (tenant_id = current_setting('report.tenant', true));
grant select on report.tenants to report_app;
grant select, insert, update, delete on report.figures to report_app;
create function report.figures_of(p_month date) returns setof numeric
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    return query
        select figure from dblink(
            format('host=%s port=%s dbname=%s user=%s',
                split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'),
                current_database(), current_user),
            format('select figure from report.figures where month = %L', p_month)
        ) as remote (figure numeric);
end $$;
insert into report.tenants values ('acme'), ('globex');
insert into report.figures values ('acme', '2026-01-01', 111), ('globex', '2026-01-01', 222);
