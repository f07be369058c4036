-- finding: app.total()
-- finding: app.touch()
create schema app;
create table public.orders (id bigint primary key, total numeric);
create function app.total() returns numeric language sql as 'select sum(total) from orders';
create function app.touch() returns trigger language plpgsql as $fn$ begin return new; end $fn$;
