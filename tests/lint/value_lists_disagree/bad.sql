create table app.tickets (
    id     bigint primary key,
    status text not null default 'open' check (status in ('new', 'done')), -- finding
    state  text not null default 'new'
);
alter table app.tickets add constraint one check (state in ('new', 'done')); -- finding
alter table app.tickets add constraint two check (state = any (array['new', 'done', 'void'])); -- finding
