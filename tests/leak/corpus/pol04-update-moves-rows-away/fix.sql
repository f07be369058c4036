alter policy orders_change on shop.orders with check (shop_id = current_setting('shop.id', true)::char(4));
