alter table app.events attach partition app.old_events for values from ('2024-01-01') to ('2025-01-01'); -- finding

alter table app.docs add constraint docs_id check (id > 0) not valid;
alter table app.events attach partition app.docs for values from ('2023-01-01') to ('2024-01-01'); -- finding
