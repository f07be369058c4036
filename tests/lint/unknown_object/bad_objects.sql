create trigger docs_touch before update on app.docs for each row execute function app.no_such_function(); -- finding
alter type app.no_such_type add value 'x' before 'y'; -- finding
