create function app.order_count() returns bigint -- finding
    language sql stable
    as 'select count(*) from orders';
create or replace procedure app.tidy() -- finding
    language plpgsql
as $$
begin
    delete from app.docs where id < 10;
end
$$;
