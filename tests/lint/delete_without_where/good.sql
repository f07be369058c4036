delete from app.docs where id between 1 and 1000;

create temporary table scratch (x integer);
delete from scratch;

delete from app.orders using app.docs where false;
