create function app.docs_touch() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    if new.body is null then
        new.updated_at = now(); -- finding
    end if;
    return new;
end $$;
create trigger docs_touch before update on app.docs for each row execute function app.docs_touch();
