create unlogged table app.doc_scratch (
    id bigint primary key
);
alter table app.doc_scratch set logged;
alter table app.docs set (fillfactor = 90);
