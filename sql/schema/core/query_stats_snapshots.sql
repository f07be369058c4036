-- core.query_stats_snapshots: the dearest statements of pg_stat_statements, once an hour, so that a change has a date.

create table core.query_stats_snapshots (
    taken_at      timestamptz not null default now(),
    queryid       bigint not null,
    userid        oid not null,
    query         text,
    calls         bigint not null,
    -- dbkit: allow float_for_amount because it is a time that pg_stat_statements measured, not money
    total_exec_ms double precision not null,
    mean_exec_ms  double precision not null,
    max_exec_ms   double precision not null,

    constraint query_stats_snapshots_pkey primary key (taken_at, queryid, userid)
);

comment on table core.query_stats_snapshots is 'Statements of this database by total time, by core.snapshot_query_stats. Figures count from the last reset.';
