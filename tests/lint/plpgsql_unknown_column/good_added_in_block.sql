create table app.notes (
    id bigint primary key
);
do $$
begin
    alter table app.notes add column title text;
end
$$;
create function app.f1() returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (select title from app.notes limit 1);
end
$$;
