create trigger same before update on app.docs for each row execute function suppress_redundant_updates_trigger();
alter function app.current_tenant() cost 10;
