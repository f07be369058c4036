update app.docs set body = 'x' from app.pages; -- finding
update app.docs set body = 'x' where true; -- finding
with changed as (
    update app.docs set body = 'x' returning id -- finding
)
select count(*) from changed;
