select count(*) from app.docs where not (id in (select account_id from app.events)); -- finding
select count(*) from app.docs where id <> all (select quantity from app.lines); -- finding
select count(*) from app.docs where id
    not  in (select quantity from app.lines); -- finding
create function app.orphans() returns bigint
    language sql stable set search_path = pg_catalog, pg_temp
    as $$ select count(*) from app.docs where id != all (select quantity from app.lines) $$; -- finding
