alter table app.pages add constraint pages_pkey primary key using index pages_id_key; -- finding
