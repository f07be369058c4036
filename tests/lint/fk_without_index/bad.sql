create table app.lines (
    id       bigint generated always as identity primary key,
    doc_id   bigint not null references app.docs (id), -- finding
    other_id bigint,
    constraint lines_other_id_fkey foreign key (other_id) references app.docs (id) -- finding
);
create index lines_other_open_idx on app.lines (other_id) where id > 10;
create index lines_id_doc_idx on app.lines (id, doc_id);
