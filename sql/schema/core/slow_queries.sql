-- core.slow_queries: statements that are slow each time.

create view core.slow_queries with (security_invoker = true) as
select s.queryid, s.user_name, s.calls, s.rows,
       round(s.mean_ms::numeric, 1) as mean_ms,
       round(s.max_ms::numeric, 1) as max_ms,
       round(s.total_ms::numeric / 1000, 1) as total_seconds,
       s.query
  from core.statement_statistics() as s
 where s.mean_ms > 100
 order by s.mean_ms desc
 limit 20;

comment on view core.slow_queries is
    'The twenty statements with the highest mean over 100 ms. Needs pg_stat_statements; without it reading raises PT503.';
