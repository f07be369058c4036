-- migrate:up transaction:false
alter type app.order_state add value 'draft' before 'new';
insert into app.order_log (state) values ('draft');
