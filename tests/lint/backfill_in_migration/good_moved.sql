with moved as (
    delete from app.docs where id < 10 returning id, body
)
insert into app.pages (id, body) select id, body from moved;
insert into app.tenants (id, name) select distinct on (p.body) gen_random_uuid(), p.body from app.pages p;
