alter table app.events add constraint events_pkey primary key (tenant_id, at); -- finding
