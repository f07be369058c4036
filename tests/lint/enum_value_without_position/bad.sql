alter type app.order_state add value 'draft'; -- finding
alter type app.order_state add value if not exists 'late'; -- finding
