-- dbkit: allow partition_created_in_place because that is another case
create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01');

create table app.special_docs (
    doc_id bigint primary key references app.docs (id),
    extra  text
);
