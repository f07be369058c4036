-- Dependencies: 20250101000000_migrate_void_documents
create table app.tickets (
    id     bigint primary key,
    status text not null,
    constraint tickets_status_check check (status in ('new', 'paid', 'void'))
);
alter table app.tickets drop constraint tickets_status_check;
alter table app.tickets add constraint tickets_status_check check (status in ('new', 'paid'));
