create function app.tg_docs() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    new.title := lower(new.title); -- finding
    return new;
end
$$;
create trigger _100_docs before insert on app.docs for each row execute function app.tg_docs();
