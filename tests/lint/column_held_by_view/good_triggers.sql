create function app.touch() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return new;
end
$$;
create table app.lines (
    id   bigint primary key,
    kind varchar
);
create trigger lines_kind before update of kind on app.lines for each row execute function app.touch();
drop trigger lines_kind on app.lines;
alter table app.lines alter column kind type text;
create trigger lines_kind before update of kind on app.lines for each row execute function app.touch();
