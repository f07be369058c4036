alter domain app.email add constraint email_at check (value like '%@%'); -- finding
alter domain app.email set not null; -- finding
