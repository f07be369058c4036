alter type app.order_state add value 'draft' before 'new';
comment on type app.order_state is 'draft';
insert into app.order_log (state) values ('new');
