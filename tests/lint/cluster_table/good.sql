alter table app.orders cluster on orders_pkey;
