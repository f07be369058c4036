create role q login;
create role q_owner nologin;
create schema q authorization q_owner;
grant usage on schema q to q;
do $$
begin
    execute format('grant create on database %I to q', current_database());
end $$;
set role q_owner;
create table q.orgs (
    id int primary key
);
create table q.quotes (
    org int not null references q.orgs,
    id uuid primary key default gen_random_uuid(),
    rate numeric
);
alter table q.orgs enable row level security;
alter table q.quotes enable row level security;
create policy p on q.orgs for select using (id = nullif(current_setting('q.org', true), '')::int);
create policy p on q.quotes using (org = nullif(current_setting('q.org', true), '')::int);
grant select on q.orgs to q;
grant select, insert, update, delete on q.quotes to q;
create function q.round_rate(numeric) returns numeric
language sql immutable as $$
    select round($1, 2)
$$;
create function q.average() returns numeric
language plpgsql stable security definer set search_path = "$user", q, pg_temp as $$
begin
    return (select round_rate(avg(rate)) from q.quotes where org = nullif(current_setting('q.org', true), '')::int);
end
$$;
reset role;
insert into q.orgs values (1), (2);
insert into q.quotes (org, rate) values (1, 41.5), (2, 7.25);
