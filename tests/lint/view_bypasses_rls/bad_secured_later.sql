create view app.doc_texts as select body from app.docs; -- finding
alter table app.docs enable row level security;
alter table app.docs force row level security;
create policy readers on app.docs for select to app_user using (body is not null);
