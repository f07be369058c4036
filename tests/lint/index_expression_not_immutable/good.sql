-- migrate:up transaction:false
create index concurrently lines_note_idx on app.lines (lower(note)) where note is not null;
create index concurrently lines_month_idx on app.lines (date_trunc('month', at at time zone 'UTC'));
create index concurrently lines_day_idx on app.lines (((at at time zone 'UTC')::date));
create index concurrently lines_new_idx on app.lines (id) where note = 'now()';
