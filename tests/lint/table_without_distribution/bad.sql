create table app.parcels ( -- finding
    id uuid primary key
);
