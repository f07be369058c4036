truncate app.docs, only app.orders; -- finding
