create table app.bookings (
    id   bigint primary key,
    room integer,
    constraint bookings_room_excl exclude using btree (room with =)
);
alter table app.bookings add constraint bookings_id_excl exclude using btree (id with =);
