alter type app.order_state rename value 'void' to 'cancelled'; -- finding
