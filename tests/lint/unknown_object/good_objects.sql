create function app.touched() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$ begin return new; end $$;
create trigger docs_touch before update on app.docs for each row execute function app.touched();
alter type app.order_state add value 'open' before 'new';
create trigger pages_same before update on app.pages
    for each row execute function suppress_redundant_updates_trigger();
