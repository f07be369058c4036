-- migrate:up transaction:false
vacuum (full 0, verbose) app.docs;
vacuum (full off) app.docs;
