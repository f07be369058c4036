-- core.top_queries_by_total_time: where the server's time goes; often a fast statement that runs too often.

create view core.top_queries_by_total_time with (security_invoker = true) as
select s.queryid, s.user_name, s.calls, s.rows,
       round(s.total_ms::numeric / 1000, 1) as total_seconds,
       round((100 * s.total_ms / nullif(sum(s.total_ms) over (), 0))::numeric, 1) as percent_of_total,
       round(s.mean_ms::numeric, 1) as mean_ms,
       s.query
  from core.statement_statistics() as s
 order by s.total_ms desc
 limit 20;

comment on view core.top_queries_by_total_time is
    'The twenty statements that took most time in all. Needs pg_stat_statements; without it reading raises PT503.';
