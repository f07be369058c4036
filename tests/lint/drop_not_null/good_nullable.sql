alter table app.docs alter column body drop not null;
