alter table app.docs add constraint docs_body_excl exclude using btree (body with =); -- finding
