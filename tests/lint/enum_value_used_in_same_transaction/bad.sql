alter type app.order_state add value 'draft' before 'new';
insert into app.order_log (state) values ('draft'); -- finding
alter table app.order_log alter column state set default 'draft'; -- finding
