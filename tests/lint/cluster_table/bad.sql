cluster app.orders using orders_pkey; -- finding
