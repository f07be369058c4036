alter table app.lines alter column note type varchar(200);
