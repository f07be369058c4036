delete from only app.docs; -- finding

create function app.clear() returns void language plpgsql set search_path = '' as $$
begin
    delete from app.orders; -- finding
end $$;
