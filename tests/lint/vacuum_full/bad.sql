-- migrate:up transaction:false
vacuum full app.docs; -- finding
vacuum (full, analyze); -- finding
