-- migrate:up transaction:false
reindex (verbose, concurrently off) table app.docs; -- finding
