-- dbkit: destructive no release has read docs.body since 41
drop view app.doc_list;
alter table app.docs drop column body;
