create role pool_user login;
create schema hr;
grant usage on schema hr to pool_user;

create table hr.orgs (
    id bigint primary key,
    name text not null
);
create table hr.salaries (
    org_id bigint not null references hr.orgs,
    employee text not null,
    valid daterange not null default daterange(current_date, null),
    amount money not null,
    primary key (org_id, employee, valid)
);
create function hr.enter(p_org bigint) returns void language plpgsql as $$
begin
    perform set_config('hr.org', p_org::text, false);
end $$;
create function hr.org() returns bigint language sql stable
as $$ select nullif(current_setting('hr.org', true), '')::bigint $$;
alter table hr.orgs enable row level security, force row level security;
alter table hr.salaries enable row level security, force row level security;
create policy o on hr.orgs for select to pool_user using (id = hr.org());
create policy s on hr.salaries to pool_user using (org_id = hr.org());
grant select on hr.orgs to pool_user;
grant select, insert, update, delete on hr.salaries to pool_user;

insert into hr.orgs values (1, 'Acme'), (2, 'Globex');
insert into hr.salaries (org_id, employee, amount) values (1, 'SECRET employee', 1), (2, 'own employee', 2);
