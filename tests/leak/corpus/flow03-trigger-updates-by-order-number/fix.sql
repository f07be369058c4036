create or replace function mill.book_payment() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update mill.orders set paid = paid + new.amount where order_no = new.order_no and tenant_id = new.tenant_id;
    return null;
end $$;
