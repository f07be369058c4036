create domain app.slug as text check (value ~ '^[a-z-]+$'); -- finding
create domain app.code as text not null; -- finding
