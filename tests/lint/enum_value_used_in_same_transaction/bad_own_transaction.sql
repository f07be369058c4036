-- migrate:up transaction:false
begin;
alter type app.order_state add value 'draft' before 'new';
insert into app.order_log values (1, 'draft'); -- finding
commit;
