delete from app.docs using app.pages; -- finding
delete from app.docs where true; -- finding
delete from app.docs where 1 = 1; -- finding
with gone as (
    delete from app.docs returning id -- finding
)
select count(*) from gone;
