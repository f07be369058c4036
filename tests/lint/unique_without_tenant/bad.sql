-- migrate:up transaction:false
create unique index concurrently accounts_email_key on app.accounts (email); -- finding
create unique index concurrently accounts_lower_key on app.accounts (lower(email)) where email is not null; -- finding
