-- core.outbox_events: what happened, written by the transaction that did it. Listeners are woken by NOTIFY and read here, through row security.
--
-- An id is drawn before its transaction commits, so a reader that went on behind the highest id it saw would skip what commits late.
-- Writers therefore announce, before they draw, from which id on they may still write (core.announce_events), and core.read_events
-- stops there.

create table core.outbox_events (
    tenant_id    uuid not null,
    id           bigint generated always as identity,
    channel      text not null,
    event        text not null,
    entity_type  text not null,
    entity_id    text not null,
    payload      jsonb not null default '{}',
    created_at   timestamptz not null default now(),
    published_at timestamptz default now(),

    constraint outbox_events_pkey primary key (tenant_id, id),
    constraint outbox_events_channel_valid check (channel ~ '^[a-z][a-z0-9_:-]{0,62}$'),
    constraint outbox_events_event_valid check (event in ('INSERT', 'UPDATE', 'DELETE', 'CUSTOM'))
    -- tenant_id is no foreign key: the events of a deleted tenant's rows are written when the tenant is gone already
);

-- core.read_events: a channel of one tenant from where a reader stopped
create index outbox_events_reading_idx on core.outbox_events (tenant_id, channel, id);
-- core.purge_outbox: events come in the order of time, so a range of blocks is enough
create index outbox_events_published_at_idx on core.outbox_events using brin (published_at);

comment on table core.outbox_events is 'Events of a tenant, in the transaction of the change they tell. Kept for 7 days, see core.purge_outbox.';
comment on column core.outbox_events.id is 'The order of reading, and where a reader resumes: core.read_events.';
comment on column core.outbox_events.published_at is 'Since when listeners may have it; the purge leaves an event without it alone.';
