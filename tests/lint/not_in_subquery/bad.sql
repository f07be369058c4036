delete from app.orders
where account_id not in (select account_id from app.events); -- finding

do $$
begin
    delete from app.orders where account_id NOT IN (select account_id from app.events); -- finding
end $$;
