alter type app.order_state add value 'draft' before 'new';
alter type app.order_state add value 'late' after 'paid';
