-- migrate:up transaction:false
begin;
alter table app.lines add constraint lines_quantity_check check (quantity > 0) not valid;
commit;
begin;
alter table app.lines validate constraint lines_quantity_check;
commit;
