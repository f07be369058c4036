-- core.backup_status: the last of each kind of backup, and the last proof that one can be restored. Through a function, since the
-- tables are closed: where a backup is, is not for a dashboard.

create function core.backup_report() returns table (
    kind text, last_ok_at timestamptz, last_started_at timestamptz, is_running boolean, failed_since_ok bigint, size_bytes bigint,
    last_verified_at timestamptz
)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    with good as (
        select distinct on (b.kind) b.kind, b.finished_at, b.size_bytes
          from core.backup_runs as b
         where b.ok
         order by b.kind, b.finished_at desc
    )
    select b.kind,
           max(g.finished_at),
           max(b.started_at),
           bool_or(b.finished_at is null and b.started_at > clock_timestamp() - interval '1 day'),
           count(*) filter (where not b.ok and b.started_at > coalesce(g.finished_at, '-infinity')),
           max(g.size_bytes),
           (select max(v.verified_at)
              from core.restore_verifications as v
              join core.backup_runs as tested on tested.id = v.backup_id
             where v.ok
               and tested.kind = b.kind)
      from core.backup_runs as b
      left join good as g on g.kind = b.kind
     group by b.kind
     order by b.kind;
end;

alter function core.backup_report() owner to app_definer;
revoke execute on function core.backup_report() from public;
grant execute on function core.backup_report() to app_monitor;

comment on function core.backup_report() is 'What core.backup_status shows. Errors: none.';

create view core.backup_status with (security_invoker = true) as
select r.kind, r.last_ok_at,
       round(extract(epoch from clock_timestamp() - r.last_ok_at) / 3600, 1) as hours_since_ok,
       r.last_started_at, r.is_running, r.failed_since_ok, r.size_bytes, r.last_verified_at
  from core.backup_report() as r;

comment on view core.backup_status is 'Backups by kind: the last that succeeded, failures since, the last that was restored and compared.';
comment on column core.backup_status.is_running is 'Whether one began within a day and has not ended.';
comment on column core.backup_status.last_verified_at is 'When a backup of this kind was last restored and found complete.';
