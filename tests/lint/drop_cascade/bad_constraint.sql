alter table app.pages add column title text, drop constraint if exists pages_old cascade; -- finding
