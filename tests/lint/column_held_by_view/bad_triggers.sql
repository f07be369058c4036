create function app.touch() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return new;
end
$$;
create table app.lines (
    id   bigint primary key,
    kind text,
    note text,
    rank integer
);
create trigger lines_kind before update of kind on app.lines for each row execute function app.touch();
create trigger lines_note before update on app.lines for each row
    when (old.note is distinct from new.note) execute function app.touch();
alter table app.lines alter column kind type varchar; -- finding
alter table app.lines alter column note type varchar; -- finding
alter table app.lines alter column rank type bigint;
