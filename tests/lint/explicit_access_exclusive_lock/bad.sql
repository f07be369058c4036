lock table app.docs; -- finding
lock app.orders in access exclusive mode nowait; -- finding
