create function app.day_of(p_at timestamptz) returns date
    language sql immutable
    return (p_at at time zone 'UTC')::date;
create function app.month_of(p_at timestamptz) returns timestamptz
    language sql immutable set search_path = pg_catalog, pg_temp
as $$ select date_trunc('month', p_at, 'UTC') $$;
create function app.second_of(p_at timestamptz) returns numeric
    language sql immutable
    return extract(epoch from p_at);
create function app.zone_free(p_day date, p_number integer) returns text
    language sql immutable
    return p_number::text;
create function app.today() returns date
    language sql stable
    return now()::date;
