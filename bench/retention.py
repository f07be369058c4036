"""A year of retention: does the database stay as large, does each day's cleaning take as long, and goes only what must?

Every table that grows with time gets the same rows each day. First all that a database in its second year still keeps,
in one go; then a year day by day: the day's rows, then what the schedule runs each night. The server's clock cannot be
set, so a night in the past is today's with every term longer by as much as the night lies back; what is old, and which
partition is due, comes out the same.

After each night every table is counted: no row may be older than its term and none younger may be missing. Processor
time is the one backend's, so neighbours hardly matter.

usage: bench/retention.py [DAYS]
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from dbkit.config import load_config
from dbkit.postgres import open_server
from dbkit.recipe import project_recipe
from harness import table, verdict
from limits import run_time

Connection = psycopg.Connection[Any]

TENANT = "00000000-0000-0000-0000-000000000001"
JOBS_KEEP, OUTBOX_KEEP, AUDIT_KEEP = "30 days", "7 days", "1 year"
BATCH, BATCHES = 100, 20
# A database that has cleared its backlog: this many days more than it keeps.
BACKLOG = 14
# Rows of a day lie between noon and one o'clock and its night at eight, so that no term ends among them.
NOON, NIGHT = timedelta(hours=12), timedelta(hours=20)


@dataclass(frozen=True)
class Growing:
    """A table that grows with time.

    Attributes:
        rows: how many a day.
        values: column list and select list of one row, with {at} for its time and n for its number.
        keep: its term where no policy has it.
    """

    name: str
    time: str
    rows: int
    columns: str
    values: str
    keep: str | None = None

    def insert(self, day: datetime) -> str:
        """The rows of one day."""
        at = f"'{day + NOON}'::timestamptz + n * interval '1 hour' / {self.rows}"
        return (
            f"insert into {self.name} ({self.columns}) select {self.values.format(at=at)}"
            f" from generate_series(1, {self.rows}) as n"
        )


GROWING = (
    Growing("core.job_envelopes", "claimed_at", BATCHES, "id, claimed_at, worker, jobs",
            "nextval('bench.lease'), {at}, 'bench', (select jobs from bench.batch)", JOBS_KEEP),
    Growing("core.jobs_done", "claimed_at", BATCHES, "lease_id, claimed_at, finished_at",
            "currval('bench.lease') - n, {at}, {at}", JOBS_KEEP),
    Growing("core.outbox_events", "published_at", 300,
            "tenant_id, channel, event, entity_type, entity_id, payload, published_at",
            f"'{TENANT}', 'news', 'INSERT', 'note', n::text, '{{{{\"title\": \"A note\"}}}}', {{at}}", OUTBOX_KEEP),
    Growing("core.audit_log", "created_at", 300, "tenant_id, action, entity_type, entity_id, new_values, created_at",
            f"'{TENANT}', 'insert', 'bench.notes', n::text, jsonb_build_object('title', 'Note ' || n), {{at}}",
            AUDIT_KEEP),
    Growing("core.cron_runs", "started_at", 500, "name, started_at, finished_at, ok",
            "'job-' || n % 15, {at}, {at}, true"),
    Growing("core.metric_samples", "created_at", 1000, "name, value, created_at", "'response_ms', n, {at}"),
    Growing("core.hourly_metrics", "hour", 20, "name, hour, samples, avg, p50, p95, p99",
            "'metric_' || n, date_trunc('hour', {at}), 1, 1, 1, 1, 1"),
    Growing("core.error_events", "created_at", 20, "action, message, created_at", "'bench', 'It broke.', {at}"),
    Growing("core.query_stats_snapshots", "taken_at", 48,
            "taken_at, queryid, userid, query, calls, total_exec_ms, mean_exec_ms, max_exec_ms",
            "{at}, n, 10, repeat('select ', 20), 1, 1, 1, 1"),
    Growing("core.alerts", "resolved_at", 2, "rule, state, value, message, first_seen_at, fired_at, resolved_at",
            "'cron_failed', 'resolved', 1, 'Failed.', {at}, {at}, {at}"),
    Growing("core.login_attempts", "created_at", 50, "email, succeeded, created_at",
            "'ann' || n || '@example.test', true, {at}"),
)  # fmt: skip
SETUP = f"""
create schema bench;
create sequence bench.lease;
select core.lane_of('default', 0);
create table bench.batch as
select array_agg(row(
           core.epoch_us(now()) + n, now(), now(), gen_random_uuid(), '{TENANT}', l.id, 0, 0, 3, 60, null, 'send_email',
           null, null, '{{"to": "ann@example.test"}}')::core.jobs_ready) as jobs
  from generate_series(1, {BATCH}) as n, core.queue_lanes as l
 where l.queue = 'default' and l.priority = 0
 group by l.id;
create table bench.terms as select table_name, keep from core.retention_policies;
delete from core.cron_runs;
"""
SIZE = """
select sum(pg_total_relation_size(c.oid))
  from pg_class as c where c.relnamespace = 'core'::regnamespace and c.relkind in ('r', 'm')
"""
# What the night runs, and the parts of its figures.
NIGHTLY = {
    "jobs": "select core.purge_jobs('{jobs}')",
    "outbox": "select core.purge_outbox('{outbox}')",
    "audit": "select action from core.audit_partitions()",
    "policies": "select table_name, error from core.apply_retention_policies()",
}


def main(days: int) -> None:
    config = load_config()
    recipe = project_recipe(config, seeds="production")
    with (
        open_server(config, recipe) as server,
        server.template(recipe).clone() as database,
        psycopg.connect(database.conninfo, autocommit=True, options="-c timezone=UTC") as connection,
    ):
        connection.execute(SETUP)
        run(connection, days)


def run(connection: Connection, days: int) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    terms = dict(connection.execute("select table_name, keep from bench.terms").fetchall())
    filled: dict[str, list[datetime]] = defaultdict(list)
    fill(connection, today - timedelta(days=days + 1), terms, filled)
    backlog = night(connection, today - timedelta(days=days + 1))
    check(connection, today - timedelta(days=days + 1), terms, filled)
    vacuum(connection)
    print(f"a backlog of {BACKLOG} days: {sum(backlog.values()) / 1e6:.0f} ms of processor time")

    started_with = size(connection)
    nights: list[dict[str, float]] = []
    sizes: list[int] = []
    for age in range(days, 0, -1):
        day = today - timedelta(days=age)
        add(connection, day, GROWING, filled)
        nights.append(night(connection, day))
        check(connection, day, terms, filled)
        vacuum(connection)
        sizes.append(size(connection))
    report(nights, sizes, started_with)


def fill(
    connection: Connection, last: datetime, terms: dict[str, timedelta], filled: dict[str, list[datetime]]
) -> None:
    """What a database keeps at the end of its first year, and a backlog."""
    kept = {one.name: days_of(connection, one.keep or terms[one.name]) + BACKLOG for one in GROWING}
    for age in range(max(kept.values()), -1, -1):
        add(connection, last - timedelta(days=age), [one for one in GROWING if kept[one.name] >= age], filled)
    vacuum(connection)


def add(connection: Connection, day: datetime, tables: Any, filled: dict[str, list[datetime]]) -> None:
    """A day's rows, and the partitions that were made ahead of them."""
    for one in tables:
        if one.name in ("core.job_envelopes", "core.jobs_done"):
            parent = one.name.removeprefix("core.")
            make_partition(connection, parent, f"{day:%Y%m%d}", day, day + timedelta(days=1))
        elif one.name == "core.audit_log":
            first = day.replace(day=1)
            if make_partition(connection, "audit_log", f"{day:%Y_%m}", first, next_month(first)):
                connection.execute(f"select core.guard_audit_partition('core.audit_log_{day:%Y_%m}')")
        connection.execute(one.insert(day))
        filled[one.name].append(day + NOON)


def make_partition(connection: Connection, parent: str, suffix: str, start: datetime, end: datetime) -> bool:
    name = f"{parent}_{suffix}"
    if scalar(connection, "select to_regclass(%s) is not null", f"core.{name}"):
        return False
    bounds = f"from ('{start}') to ('{end}')"
    connection.execute(f"create table core.{name} partition of core.{parent} for values {bounds}")
    owner = "app_owner" if parent == "audit_log" else "app_definer"
    connection.execute(f"alter table core.{name} owner to {owner}")
    return True


def night(connection: Connection, day: datetime) -> dict[str, float]:
    """Run what the schedule runs, as of this night; nanoseconds of processor time by part."""
    back = set_back(connection, day)
    terms = {"jobs": f"{back} {JOBS_KEEP}", "outbox": f"{back} {OUTBOX_KEEP}"}
    spent = {}
    for part, query in NIGHTLY.items():
        before = run_time(connection.info.backend_pid)
        rows = connection.execute(query.format(**terms)).fetchall()
        spent[part] = float(run_time(connection.info.backend_pid) - before)
        if part == "policies":
            assert not [row for row in rows if row[1]], rows
    return spent


def set_back(connection: Connection, day: datetime) -> str:
    """Make every term longer by as much as this night lies back; that interval as text."""
    back = f"{(datetime.now(UTC) - day - NIGHT).total_seconds():.0f} seconds"
    connection.execute("update core.retention_policies as p set keep = t.keep + %s::interval from bench.terms as t"
                       " where t.table_name = p.table_name", (back,))  # fmt: skip
    connection.execute(
        "update core.app_settings set value = (%s::interval + %s::interval)::text where key = 'audit.keep'",
        (AUDIT_KEEP, back),
    )
    return back


def check(
    connection: Connection, day: datetime, terms: dict[str, timedelta], filled: dict[str, list[datetime]]
) -> None:
    """Nothing is older than its term, and nothing younger is missing; where whole partitions go, by partition."""
    for one in GROWING:
        cut_off: datetime = scalar(
            connection, "select %s::timestamptz - %s::interval", day + NIGHT, one.keep or terms[one.name]
        )
        if one.name == "core.audit_log":
            kept = [at for at in filled[one.name] if next_month(at.replace(day=1, hour=0)) > cut_off]
        elif one.name in ("core.job_envelopes", "core.jobs_done"):
            kept = [at for at in filled[one.name] if at - NOON + timedelta(days=1) > cut_off]
        else:
            kept = [at for at in filled[one.name] if at > cut_off]
        filled[one.name] = kept
        found = connection.execute(f"select count(*), min({one.time}) from {one.name}").fetchone()
        assert found is not None
        count, oldest = found
        if count != len(kept) * one.rows or oldest.date() != kept[0].date():
            raise SystemExit(
                f"{one.name} as of {day:%Y-%m-%d}: {count} rows from {oldest} on,"
                f" but {len(kept) * one.rows} from {kept[0]} on should be left"
            )


def report(nights: list[dict[str, float]], sizes: list[int], started_with: int) -> None:
    quarter = max(len(nights) // 4, 1)
    first, last = nights[:quarter], nights[-quarter:]
    rows = [
        (part, *(f"{statistics.median(night[part] for night in some) / 1e6:.2f}" for some in (first, nights, last)))
        for part in NIGHTLY
    ]
    print(f"\n{len(nights)} nights, processor time of one in ms")
    print(table(("", "first quarter", "all", "last quarter"), rows))
    print(f"\nsize of the tables in MB: {started_with / 1e6:.1f} before, {sizes[-1] / 1e6:.1f} after,"
          f" at most {max(sizes) / 1e6:.1f}")  # fmt: skip
    print("after each night every table held exactly what its term says")
    print(verdict("size after the year", sizes[-1] / started_with, 1.1, " ×"))
    print(verdict("size at its largest", max(sizes) / started_with, 1.2, " ×"))
    total = [statistics.median(sum(night.values()) for night in some) for some in (first, last)]
    print(verdict("a night of the last quarter against the first", total[1] / total[0], 1.2, " ×"))


def days_of(connection: Connection, keep: object) -> int:
    return int(scalar(connection, "select extract(day from now() - (now() - %s::interval))", keep))


def next_month(first: datetime) -> datetime:
    return (first + timedelta(days=32)).replace(day=1)


def vacuum(connection: Connection) -> None:
    """What autovacuum does in the background, off on a disposable server."""
    for one in GROWING:
        if "job" not in one.name and one.name != "core.audit_log":
            connection.execute(f"vacuum {one.name}")
    connection.execute("vacuum pg_class, pg_attribute, pg_depend, pg_shdepend, pg_inherits, pg_index, pg_type")


def size(connection: Connection) -> int:
    return int(scalar(connection, SIZE))


def scalar(connection: Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 365)
