create table app.notes (
    id bigserial primary key, -- finding
    n  smallserial -- finding
);
