begin;
set local gym.studio = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from gym.customers where email = 'OWN@x.test';
with tried as (
    insert into gym.customers (studio_id, email)
    values ('b0000000-0000-4000-8000-00000000000b', 'Secret@x.test') on conflict do nothing returning 1
)
select 'LEAK is a customer elsewhere' where not exists (select from tried);
rollback;
