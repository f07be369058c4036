-- core.user_notifications: what a person is told inside a tenant, until they have read it.

-- dbkit: allow table_without_timestamps because read_at is all that ever changes
create table core.user_notifications (
    tenant_id   uuid not null,
    id          uuid not null default gen_random_uuid(),
    user_id     uuid not null,
    kind        text not null,
    title       text not null,
    body        text,
    entity_type text,
    entity_id   text,
    read_at     timestamptz,
    created_at  timestamptz not null default now(),

    constraint user_notifications_pkey primary key (tenant_id, id),
    constraint user_notifications_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    -- dbkit: allow fk_without_index because people are deactivated, not deleted
    constraint user_notifications_user_id_fkey foreign key (user_id) references core.users (id) on delete cascade
);

-- core.my_notifications: unread ones, newest first; also what a badge counts
create index user_notifications_unread_idx on core.user_notifications (tenant_id, user_id, created_at) where read_at is null;
-- core.my_notifications: all of them
create index user_notifications_user_idx on core.user_notifications (tenant_id, user_id, created_at);

comment on table core.user_notifications is 'Messages to one person in one tenant, written by core.notify_user.';
comment on column core.user_notifications.read_at is 'When the person read it; null is unread. Set once.';
