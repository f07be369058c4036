alter type app.order_state add value 'cancelled' after 'void';
