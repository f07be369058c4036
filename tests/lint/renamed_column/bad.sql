alter table app.docs rename body to content; -- finding
