create function app.docs_touch() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    -- new.nothing := 1
    new.updated_at := now(); -- finding
    return new;
end $$;
create trigger docs_touch before update on app.docs for each row execute function app.docs_touch();
