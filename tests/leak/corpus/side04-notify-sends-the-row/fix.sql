create or replace function live.tell() returns trigger language plpgsql as $$
begin
    perform pg_notify('room_' || new.room_id, new.id::text);
    return new;
end $$;
