create table app.parcels ( -- finding
    tenant_id bigint not null,
    id uuid not null,
    primary key (tenant_id, id)
);
