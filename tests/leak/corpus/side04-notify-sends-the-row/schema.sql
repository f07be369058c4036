create role live_app login;
create schema live;
grant usage on schema live to live_app;
create table live.rooms (
    id text primary key check (id ~ '^[a-z]+$')
);
create table live.posts (
    room_id text not null references live.rooms,
    id integer generated always as identity,
    text text not null,
    primary key (room_id, id)
);
create function live.tell() returns trigger language plpgsql as $$
begin
    perform pg_notify('room_' || new.room_id, row_to_json(new)::text);
    return new;
end $$;
create trigger tell after insert on live.posts for each row execute function live.tell();
alter table live.rooms enable row level security;
alter table live.posts enable row level security;
create policy r on live.rooms for select to live_app using (id = current_setting('live.room', true));
create policy p on live.posts to live_app using (room_id = current_setting('live.room', true));
grant select on live.rooms to live_app;
grant select, insert on live.posts to live_app;
insert into live.rooms values ('acme'), ('globex');
insert into live.posts (room_id, text) values ('globex', 'own post');
