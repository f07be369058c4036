-- dbkit: allow alter_type_narrows because that is not the point
alter table app.docs alter column body type varchar(200); -- finding
