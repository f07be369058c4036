-- migrate:up transaction:false
alter table app.events detach partition app.events_2024 concurrently;
