alter table app.events detach partition app.events_2024; -- finding
