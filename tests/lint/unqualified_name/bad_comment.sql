comment on column docs.body is 'the text'; -- finding
