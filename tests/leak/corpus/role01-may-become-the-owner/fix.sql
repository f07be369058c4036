revoke events_jobs from events_app;
