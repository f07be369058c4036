create table app.beams (
    id           bigint generated always as identity primary key,
    total_length double precision not null,
    total_kwh    real not null,
    cost_factor  real not null
);
create function app.with_rate(p_amount numeric, p_tax_rate double precision) returns table (total_ms double precision)
    language sql immutable set search_path = pg_catalog, pg_temp
as $$ select p_amount * p_tax_rate $$;
