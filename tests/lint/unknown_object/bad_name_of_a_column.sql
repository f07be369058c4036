-- migrate:up transaction:false
refresh materialized view concurrently app.account_id; -- finding
