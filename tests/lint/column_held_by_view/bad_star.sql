create view app.page_list with (security_invoker = true) as select * from app.pages; -- dbkit: allow select_star_in_view because it is the case
set lock_timeout = '2s';
alter table app.pages alter column body type varchar(4000); -- finding
