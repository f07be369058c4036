-- dbkit: destructive no release has read docs.body since 41
alter table app.docs drop column body;
