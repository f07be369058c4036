create type app.slot as (
    opens time with time zone, -- finding
    closes time
);
