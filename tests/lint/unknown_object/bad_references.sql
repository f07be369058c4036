create table app.lines (
    id      bigint primary key,
    doc_no  bigint constraint lines_doc_fkey references app.docs (no) -- finding
);
create index lines_doc_idx on app.lines (doc_no);
