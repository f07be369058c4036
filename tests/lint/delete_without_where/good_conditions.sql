delete from app.docs d using app.pages p where p.id = d.id;
with gone as (
    delete from app.docs where id < 10 returning id
)
select count(*) from gone;
create table app.fresh (id bigint primary key);
with gone as (
    delete from app.fresh returning id
)
select count(*) from gone;
