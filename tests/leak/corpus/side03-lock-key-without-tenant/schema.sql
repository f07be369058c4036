create role lk login;
create schema lk;
grant usage on schema lk to lk;
create table lk.t (
    t text primary key
);
create table lk.slots (
    t text not null references lk.t,
    id int not null,
    who text,
    primary key (t, id)
);
alter table lk.t enable row level security;
alter table lk.slots enable row level security;
create policy p on lk.t for select using (t = current_setting('lk.t', true));
create policy p on lk.slots using (t = current_setting('lk.t', true));
grant select on lk.t to lk;
grant select, insert, update, delete on lk.slots to lk;
create function lk.try_lock(p_id int) returns boolean
language sql security definer set search_path = '' as $$
    select pg_try_advisory_xact_lock(42, p_id)
$$;
insert into lk.t values ('acme'), ('globex');
insert into lk.slots values ('acme', 7, 'ann'), ('globex', 7, 'bob'), ('globex', 8, 'bob');
