-- migrate:up transaction:false
vacuum (verbose, full 1) app.docs; -- finding
vacuum (full on) app.docs; -- finding
