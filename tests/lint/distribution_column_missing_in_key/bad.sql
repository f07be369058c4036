create table app.parcels (
    id uuid primary key, -- finding
    tenant_id uuid not null,
    number int not null,
    unique (number) -- finding
);
create unique index parcels_lower on app.parcels (number, id); -- finding
create table app.bookings (
    tenant_id uuid not null,
    id uuid not null,
    room uuid not null,
    during tstzrange not null,
    primary key (tenant_id, id),
    exclude using gist (room with =, during with &&) -- finding
);
