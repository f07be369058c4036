create role gym_api login;
create schema gym;
grant usage on schema gym to gym_api;
create extension citext schema public;
create table gym.studios (
    id uuid primary key,
    name text not null
);
create table gym.customers (
    studio_id uuid not null references gym.studios,
    id uuid not null default gen_random_uuid(),
    email public.citext not null constraint customers_email_key unique,
    primary key (studio_id, id)
);
alter table gym.studios enable row level security;
alter table gym.customers enable row level security;
create policy s on gym.studios for select to gym_api
    using (id = nullif(current_setting('gym.studio', true), '')::uuid);
create policy c on gym.customers to gym_api
    using (studio_id = nullif(current_setting('gym.studio', true), '')::uuid);
grant select on gym.studios to gym_api;
grant select, insert, update, delete on gym.customers to gym_api;
insert into gym.studios values
    ('a0000000-0000-4000-8000-00000000000a', 'Acme'), ('b0000000-0000-4000-8000-00000000000b', 'Globex');
insert into gym.customers (studio_id, email) values
    ('a0000000-0000-4000-8000-00000000000a', 'secret@x.test'), ('b0000000-0000-4000-8000-00000000000b', 'own@x.test');
