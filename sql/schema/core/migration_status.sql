-- core.migration_status: each module's line of migrations in one row.

create view core.migration_status with (security_invoker = true) as
select m.line,
       count(*) filter (where m.state in ('applied', 'baseline')) as applied,
       count(*) filter (where m.state in ('partial', 'reverting')) as unfinished,
       count(*) filter (where m.state = 'reverted') as reverted,
       max(m.version) filter (where m.state in ('applied', 'baseline')) as newest_version,
       max(m.applied_at) filter (where m.state in ('applied', 'baseline')) as last_applied_at
  from dbkit.migrations as m
 group by m.line
 order by m.line;

comment on view core.migration_status is 'Migrations per module. Versions the files have and the database has not: dbkit migrate status.';
comment on column core.migration_status.unfinished is 'Files that stopped half-way; dbkit migrate apply goes on with them.';
