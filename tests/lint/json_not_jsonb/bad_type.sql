create type app.message as (
    name text,
    payload json -- finding
);
