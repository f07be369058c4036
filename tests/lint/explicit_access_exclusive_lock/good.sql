lock table app.docs in share row exclusive mode;
lock table app.orders in share update exclusive mode;
