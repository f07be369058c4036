-- core.queues: the queues there are. A queue is first in, first out within a priority, or fair: tenants take turns.

create table core.queues (
    name        text not null,
    is_fair     boolean not null default false,
    max_running integer,
    lease_low   regclass,
    created_at  timestamptz not null default now(),

    constraint queues_pkey primary key (name),
    constraint queues_name_valid check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    constraint queues_max_running_positive check (max_running > 0)
);

comment on table core.queues is 'Queues of jobs; core.put_queue adds and changes them.';
comment on column core.queues.is_fair is 'Tenants take turns, by weight; priorities count inside a tenant only.';
comment on column core.queues.max_running is 'How many jobs of the queue may run at a time, exactly; null: no limit.';
comment on column core.queues.lease_low is 'Of a queue with a limit: the sequence that holds the oldest lease its count has to look at.';
