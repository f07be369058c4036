create or replace function sh.settle() returns trigger
language plpgsql security definer set search_path = sh, pg_temp as $$
begin
    update orders set paid = true where t = new.t and number = new.order_number;
    return null;
end
$$;
