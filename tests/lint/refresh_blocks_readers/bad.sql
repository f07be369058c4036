refresh materialized view app.totals; -- finding

create function app.refresh() returns void language sql set search_path = '' as $$
    refresh materialized view app.totals; -- finding
$$;
