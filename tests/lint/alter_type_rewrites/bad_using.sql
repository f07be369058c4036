alter table app.docs alter column body type text using lower(body); -- finding
alter table app.lines alter column note type app.email using note || '@example.com'; -- finding
create domain app.short as text check (length(value) < 10);
-- dbkit: allow several_alters_one_will_do because that is not the point
alter table app.docs alter column body type app.short; -- finding
