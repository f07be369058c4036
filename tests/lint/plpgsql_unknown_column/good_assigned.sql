create function app.docs_trim() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
declare
    old_doc app.docs;
begin
    new.body := btrim(new.body);
    NEW."body" := 'new.nothing := 1';
    old_doc.body := old.body;
    return new;
end $$;
create trigger docs_trim before update on app.docs for each row execute function app.docs_trim();
create function app.shared() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    new.anything := now();
    return new;
end $$;
