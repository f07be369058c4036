begin;
set local q.org = '2';
select 'CONTROL OK' where q.average() = 7.25;
create schema q_owner;
grant usage on schema q_owner to public;
create function q_owner.round_rate(numeric) returns numeric language plpgsql as $$
begin
    raise exception 'LEAK rates %', (select string_agg(rate::text, ', ') from q.quotes where org = 1);
end $$;
discard plans;
select q.average();
rollback;
