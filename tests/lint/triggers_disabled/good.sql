create function app.notify() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return new;
end
$$;
create trigger _500_notify after insert on app.docs for each row execute function app.notify();
alter table app.docs disable trigger user;
alter table app.docs disable trigger _500_notify;
set local session_replication_role = origin;
