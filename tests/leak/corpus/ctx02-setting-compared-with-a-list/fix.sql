alter policy o on shop.orders
    using (merchant_id = nullif(current_setting('shop.merchant_id', true), '')::bigint);
revoke usage on sequence shop.orders_id_seq from shop_rw;
alter table shop.orders alter id set default (random()*1e15)::bigint;
