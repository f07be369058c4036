-- migrate:up transaction:false
alter table app.old_events add constraint old_events_bound
    check (at >= '2024-01-01' and at < '2025-01-01') not valid;
alter table app.old_events validate constraint old_events_bound;
alter table app.events attach partition app.old_events for values from ('2024-01-01') to ('2025-01-01');
