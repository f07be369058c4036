comment on column app.docs.title is 'the title'; -- finding
drop view app.document_list; -- finding
