alter table app.docs rename to papers; -- finding
alter table app.orders set schema archive; -- finding
