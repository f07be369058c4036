-- migrate:up transaction:false
create index concurrently accounts_email_idx on app.accounts (lower(email)); -- finding
