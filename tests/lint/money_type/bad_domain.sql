create domain app.cash as money; -- finding
