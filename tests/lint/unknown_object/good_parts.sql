create table app.lines (
    id     bigint primary key,
    number integer unique check (number > 0),
    doc_id bigint references app.docs (id),
    note   text,
    check (note <> '')
);
create index lines_doc_idx on app.lines (doc_id);
create index on app.lines (lower(note), id);
alter index app.lines_lower_id_idx rename to lines_note_idx;
create function app.touch() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return new;
end
$$;
create trigger lines_touch before update on app.lines for each row execute function app.touch();
create function app.add(a integer, variadic b text[], out c integer)
    language sql immutable set search_path = pg_catalog, pg_temp
as $$ select a $$;
create table app.copies (like app.lines including all);
alter table app.lines disable trigger lines_touch;
alter table app.lines drop constraint lines_number_key, drop constraint lines_note_check;
alter table app.lines drop constraint lines_number_check, drop constraint lines_doc_id_fkey;
alter table app.copies drop constraint copies_number_key;
alter index app.copies_pkey rename to copies_key;
alter table app.lines drop constraint if exists lines_nothing;
drop trigger if exists nothing on app.lines;
drop policy if exists nothing on app.accounts;
comment on function app.add(int4, text[]) is 'one number';
alter function app.add cost 5;
insert into app.docs (id) values (1) on conflict on constraint docs_pkey do nothing;
alter policy members_all on app.accounts using (tenant_id = (select app.current_tenant()));
