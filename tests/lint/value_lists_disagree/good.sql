create table app.tickets (
    id     bigint primary key,
    status text not null default 'new'::text check (status in ('new', 'done')),
    state  text not null check (state in ('a', 'b')),
    number integer default 1 check (number in (1, 2)),
    constraint both_of_them check (status <> 'done' or state in ('b'))
);
alter table app.tickets drop constraint tickets_state_check;
alter table app.tickets add constraint tickets_state_check check (state in ('a', 'b', 'c'));
