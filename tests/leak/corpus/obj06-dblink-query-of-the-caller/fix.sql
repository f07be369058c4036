create or replace function report.figures_of(p_month date) returns setof numeric
language sql stable set search_path = pg_catalog, pg_temp
as $$ select figure from report.figures where month = p_month $$;
