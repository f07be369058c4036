create role salon_app login;
create schema salon;
create extension btree_gist schema public;
grant usage on schema salon to salon_app;
create domain salon.colour as text check (value ~ '^#[0-9a-f]{6}$');
create table salon.salons (
    id uuid primary key
);
create table salon.stylists (
    salon_id uuid not null references salon.salons,
    id smallint not null,
    name text not null,
    colour salon.colour not null default '#000000',
    favourite_chair smallint not null,
    primary key (salon_id, id)
);
create table salon.chairs (
    salon_id uuid not null references salon.salons,
    id smallint not null,
    kept_by smallint not null,
    primary key (salon_id, id),
    foreign key (salon_id, kept_by) references salon.stylists deferrable initially deferred
);
alter table salon.stylists
    add foreign key (salon_id, favourite_chair) references salon.chairs deferrable initially deferred;
create table salon.bookings (
    salon_id uuid not null,
    stylist_id smallint not null,
    slot tstzrange not null check (lower_inc(slot) and not upper_inf(slot) and upper(slot) - lower(slot) <= interval '4 hours'),
    guest text not null,
    primary key (salon_id, stylist_id, slot),
    foreign key (salon_id, stylist_id) references salon.stylists,
    exclude using gist (salon_id with =, stylist_id with =, slot with &&)
);
alter table salon.salons enable row level security, force row level security;
alter table salon.stylists enable row level security, force row level security;
alter table salon.chairs enable row level security, force row level security;
alter table salon.bookings enable row level security, force row level security;
create policy own on salon.salons for select using (id = nullif(current_setting('salon.id', true), '')::uuid);
create policy own on salon.stylists using (salon_id = nullif(current_setting('salon.id', true), '')::uuid);
create policy own on salon.chairs using (salon_id = nullif(current_setting('salon.id', true), '')::uuid);
create policy own on salon.bookings using (salon_id = nullif(current_setting('salon.id', true), '')::uuid);
grant select on salon.salons to salon_app;
grant select, insert, update, delete on salon.stylists, salon.chairs, salon.bookings to salon_app;
insert into salon.salons values ('a0000000-0000-4000-8000-00000000000a'), ('b0000000-0000-4000-8000-00000000000b');
begin;
insert into salon.stylists values
    ('a0000000-0000-4000-8000-00000000000a', 1, 'Al', '#aaaaaa', 1), ('b0000000-0000-4000-8000-00000000000b', 1, 'Bo', '#bbbbbb', 1);
insert into salon.chairs values
    ('a0000000-0000-4000-8000-00000000000a', 1, 1), ('b0000000-0000-4000-8000-00000000000b', 1, 1);
commit;
insert into salon.bookings values
    ('a0000000-0000-4000-8000-00000000000a', 1, '[2026-01-01 10:00Z,2026-01-01 11:00Z)', 'SECRET guest'),
    ('b0000000-0000-4000-8000-00000000000b', 1, '[2026-01-01 10:00Z,2026-01-01 11:00Z)', 'own guest');
