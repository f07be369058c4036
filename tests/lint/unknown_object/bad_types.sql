alter table app.docs add column state app.doc_state; -- finding
