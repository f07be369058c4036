create trigger touch before update on app.docs for each row execute function touch_row(); -- finding
