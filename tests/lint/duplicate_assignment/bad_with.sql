with changed as (
    update app.docs set body = 'a', body = 'b' where id = 1 returning id -- finding
)
select count(*) from changed;
