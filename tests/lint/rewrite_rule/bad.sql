create rule keep_docs as on delete to app.docs do instead nothing; -- finding
