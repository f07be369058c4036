create table app.tickets (
    id     bigint primary key,
    status text not null,
    other  text,
    constraint tickets_status_check check (status in ('new', 'paid', 'void'))
);
update app.tickets set status = 'paid' where status = 'void';
alter table app.tickets drop constraint tickets_status_check;
alter table app.tickets add constraint tickets_status_check check (status in ('new', 'paid'));
alter table app.tickets drop constraint tickets_status_check;
alter table app.tickets add constraint tickets_status_check check (status in ('new', 'paid', 'more'));
