-- migrate:up transaction:false
vacuum (analyze) app.docs;
vacuum (full false) app.docs;
