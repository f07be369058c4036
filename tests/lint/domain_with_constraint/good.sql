create domain app.slug as text default '';
