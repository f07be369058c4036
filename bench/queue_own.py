"""What the queue's design costs: claim and complete, old snapshots, fairness, backlogs, each against the raw limit.

The limit is `delete … for update skip locked returning` on the same table: no lease, no history, no retry. The log of a
delete tells places, not contents: it is the same whatever the rows hold. `kept` is the limit with a history, the rows
it deletes inserted into a table without an index. Figures are
server CPU of the one backend (nanoseconds the kernel counted, so neighbours hardly matter) and WAL bytes, per job;
contenders take turns within one run. Peers are measured by bench/jobqueue.py.
Run: `python bench/queue_own.py [part …]` with parts cost, pinned, fair, backlog, volume, enqueue.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from dbkit.config import load_config
from dbkit.postgres import open_server
from dbkit.recipe import project_recipe
from harness import table, verdict

Connection = psycopg.Connection[Any]

PAYLOAD = '{"to": "ann@example.test", "template": "welcome", "note": "%s"}' % ("x" * 64)
TENANTS = """
insert into core.users (id, auth_subject, email, name) values ('%(user)s', 'bench', 'bench@example.test', 'bench');
insert into core.tenants (id, system, name, owner_user_id)
select md5('tenant ' || n)::uuid, 'crm', 'tenant ' || n, '%(user)s' from generate_series(1, 300) as n;
insert into core.memberships (tenant_id, user_id, role_key)
select t.id, '%(user)s', 'OWNER' from core.tenants as t;
create table public.raw_jobs (like core.jobs_ready including all);
create table public.raw_done (like core.jobs_ready);
-- what runs every minute in production: it makes the days' partitions
select core.requeue_expired_leases();
"""
FILL = """
insert into {target} (
    tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, job_type, payload)
select core.epoch_us(at), at, at,
       (select l.id from core.queue_lanes as l where l.queue = '{queue}' and l.priority = 0), 0, 3, 60,
       core.new_job_id(at), md5('tenant ' || 1 + n % 100)::uuid, 'send_email', '{payload}'
  from (
    select n, clock_timestamp() - interval '1 hour' + n * interval '0.1 ms' as at
      from generate_series(1, {jobs}) as n) as job
"""
RAW = """
with picked as materialized (
    select r.ctid as place
      from public.raw_jobs as r
     where r.lane_id = %(lane)s
     order by r.tag
     limit {n}
       for update skip locked)
delete from public.raw_jobs as r where r.ctid = any (array(select place from picked)) returning r.id, r.payload
"""
KEPT = RAW.replace("delete from", ", gone as (delete from").replace(
    "returning r.id, r.payload",
    "returning r.*), kept as (insert into public.raw_done select * from gone) select id, payload from gone",
)
ENQUEUE = "select core.enqueue_many('send_email', array_fill(%s::jsonb, array[%s::integer]), p_queue => %s)"
NEXT = "select id, payload, lease_id from core.next_jobs('bench', {n}, %(queue)s, null, %(lease)s)"


class Backend:
    """A connection whose server process is measured."""

    def __init__(self, conninfo: str) -> None:
        self.connection: Connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=0)
        self.connection.execute("set jit = off")
        self.pid = self.connection.info.backend_pid

    def cpu(self) -> float:
        """Seconds of CPU the server process has used."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    def wal(self) -> int:
        row = self.connection.execute("select pg_current_wal_insert_lsn() - '0/0'").fetchone()
        assert row is not None
        return int(row[0])

    def scalar(self, query: str) -> Any:
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def measured(work: Callable[..., int], backend: Backend, *args: Any) -> tuple[float, float, float]:
    """(jobs per second, CPU µs per job, WAL bytes per job) of work(backend, …), which returns how many jobs it did."""
    wal, cpu, start = backend.wal(), backend.cpu(), time.perf_counter()
    jobs = work(backend, *args)
    elapsed, cpu, wal = time.perf_counter() - start, backend.cpu() - cpu, backend.wal() - wal
    return jobs / elapsed, cpu * 1e6 / jobs, wal / jobs


def lay_raw(backend: Backend) -> None:
    """The same jobs again, for the limit."""
    backend.connection.execute("truncate public.raw_jobs, public.raw_done")
    backend.connection.execute("insert into public.raw_jobs select * from core.jobs_ready order by tag")
    backend.connection.execute("vacuum analyze public.raw_jobs")


def drain_raw(backend: Backend, lane: int, batch: int, jobs: int, statement: str = RAW) -> int:
    done, query = 0, statement.format(n=batch)
    while done < jobs:
        rows = backend.connection.execute(query, {"lane": lane}).fetchall()
        if not rows:
            break
        done += len(rows)
    return done


def drain(backend: Backend, queue: str, batch: int, jobs: int, seconds: float = 3600) -> int:
    """Complete and claim until so many jobs are done."""
    done, lease, query = 0, None, NEXT.format(n=batch)
    end = time.perf_counter() + seconds
    while done < jobs and time.perf_counter() < end:
        rows = backend.connection.execute(query, {"queue": queue, "lease": lease}).fetchall()
        if not rows:
            return done
        lease = rows[0][2]
        done += len(rows)
    if lease is not None:
        backend.connection.execute("select core.complete_jobs(%s)", (lease,))
    return done


def empty(backend: Backend) -> None:
    backend.connection.execute("truncate core.jobs_ready, core.job_envelopes, core.jobs_done, core.job_leases")
    backend.connection.execute("select setval(mark, -9223372036854775808, false) from core.queue_lanes")


def scatter(backend: Backend, target: str) -> None:
    """Lay waiting jobs out by tenant, as bulk calls leave them: the jobs of a claim are on as many pages."""
    backend.connection.execute(f"create temporary table moved as select * from {target} order by tenant_id, tag")
    backend.connection.execute(f"truncate {target}")
    backend.connection.execute(f"insert into {target} select * from moved")
    backend.connection.execute("drop table moved")
    backend.connection.execute(f"vacuum analyze {target}")


def fill(backend: Backend, target: str, queue: str, jobs: int, payload: str = PAYLOAD) -> None:
    """Jobs queued one by one, by 100 tenants in turn: nothing of a job is like that of its neighbour."""
    empty(backend)
    backend.connection.execute(FILL.format(target=target, queue=queue, jobs=jobs, payload=payload))
    backend.connection.execute(f"vacuum analyze {target}")


def lane_of(backend: Backend, queue: str) -> int:
    return int(backend.scalar(f"select id from core.queue_lanes where queue = '{queue}' and priority = 0"))


def cost(conninfo: str, rounds: int) -> None:
    """Claim and complete at batch 1, 10 and 100.

    `mixed` are jobs queued one by one, by 100 tenants in turn; `scattered` are those laid out as `fair` finds its own:
    a tenant's jobs side by side, so that the next hundred lie on a hundred pages. Against `scattered` stands what
    serving tenants in turn costs, against `mixed` also what it costs that they queued in bulk.
    """
    backend = Backend(conninfo)
    lane = lane_of(backend, "default")
    rows = []
    for batch, jobs in ((1, 3000), (10, 20000), (100, 60000)):
        figures: dict[str, list[tuple[float, float, float]]] = {
            name: [] for name in ("raw", "fifo", "raw mixed", "kept mixed", "mixed", "scattered", "fair")
        }
        envelopes: dict[str, int] = {}
        for _ in range(rounds):
            for name, queue in (("fifo", "default"), ("fair", "fair")):
                empty(backend)
                for tenant in range(1, 101):
                    enqueue_as(backend, tenant, jobs // 100, queue)
                backend.connection.execute("vacuum analyze core.jobs_ready")
                if name == "fifo":
                    lay_raw(backend)
                    figures["raw"].append(measured(drain_raw, backend, lane, batch, jobs))
                figures[name].append(measured(drain, backend, queue, batch, jobs))
                envelopes[name] = envelope_bytes(backend)
            for name in ("mixed", "scattered"):
                fill(backend, "core.jobs_ready", "default", jobs)
                if name == "scattered":
                    scatter(backend, "core.jobs_ready")
                else:
                    lay_raw(backend)
                    figures["raw mixed"].append(measured(drain_raw, backend, lane, batch, jobs))
                    lay_raw(backend)
                    figures["kept mixed"].append(measured(drain_raw, backend, lane, batch, jobs, KEPT))
                figures[name].append(measured(drain, backend, "default", batch, jobs))
                envelopes[name] = envelope_bytes(backend)
        median = {
            name: [statistics.median(column) for column in zip(*runs, strict=True)] for name, runs in figures.items()
        }
        for name, (rate, cpu, wal) in median.items():
            raw = median["raw"]
            rows.append(
                (
                    f"{name} {batch}",
                    f"{rate:,.0f}",
                    f"{cpu:.1f}",
                    f"{wal:.0f}",
                    f"{cpu / raw[1]:.2f}",
                    f"{wal / raw[2]:.2f}",
                    f"{envelopes[name] / jobs:.0f}" if name in envelopes else "",
                )
            )
        if batch == 100:
            raw, fifo, _, kept, mixed, scattered, fair = median.values()
            print(verdict("batch 100, WAL per job against raw", fifo[2] / raw[2], 1.3))
            print(verdict("batch 100, WAL per job against raw, jobs of 100 tenants in turn", mixed[2] / raw[2], 1.3))
            print(f"batch 100, the same against the limit with a history (no target): {mixed[2] / kept[2]:.2f}")
            print(verdict("batch 100, CPU per job against raw", fifo[1] / raw[1], 2.5))
            print(verdict("batch 100, CPU of fair claims against FIFO over jobs in turn", fair[1] / mixed[1], 1 / 0.85))
            print(verdict("batch 100, the same over jobs that lie as the fair ones", fair[1] / scattered[1], 1 / 0.85))
    print(table(("claim + complete", "jobs/s", "CPU µs", "WAL B", "CPU ×", "WAL ×", "history B"), rows))


def envelope_bytes(backend: Backend) -> int:
    """What the claimed jobs take up as history, compressed: mostly what no job shares with its neighbours."""
    return int(backend.scalar("select sum(pg_column_size(jobs)) from core.job_envelopes"))


def pinned(conninfo: str, rounds: int) -> None:
    """The same with an old snapshot held open and 30,000 jobs done under it."""
    ratios = []
    for _ in range(rounds):
        rates = []
        for is_pinned in (False, True):
            backend = Backend(conninfo)
            fill(backend, "core.jobs_ready", "default", 40000)
            holder = psycopg.connect(conninfo)
            holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            if is_pinned:
                holder.execute("select count(*) from core.jobs_ready")
            drain(backend, "default", 100, 30000)
            if not is_pinned:
                backend.connection.execute("vacuum core.jobs_ready")
            figures = [measured(drain, backend, "default", batch, jobs) for batch, jobs in ((1, 1500), (100, 8000))]
            rates.append([1 / cpu for _rate, cpu, _wal in figures])
            holder.close()
        ratios.append([after / before for before, after in zip(*rates, strict=True)])
    one, hundred = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(
        f"old snapshot held, jobs per CPU second against free: batch 1 {one:.2f}, "
        f"batch 100 {hundred:.2f} (target ≥ 0.7)"
    )


def fair(conninfo: str, rounds: int) -> None:
    """One tenant queues 100,000 jobs, then 200 tenants five each; when are the small ones done?"""
    for queue in ("fair", "default"):
        for batch in (1, 10, 100):
            backend = Backend(conninfo)
            empty(backend)
            enqueue_as(backend, 1, 100000, queue)
            for tenant in range(2, 202):
                enqueue_as(backend, tenant, 5, queue)
            backend.connection.execute("vacuum analyze core.jobs_ready")
            done_at: list[float] = []
            start = time.perf_counter()
            workers = [
                threading.Thread(target=drain, args=(Backend(conninfo), queue, batch, 10**9, 4.0)) for _ in range(2)
            ]
            for worker in workers:
                worker.start()
            while time.perf_counter() - start < 4:
                left = backend.scalar(
                    "select exists (select from core.jobs_ready where tenant_id <> md5('tenant 1')::uuid)"
                )
                if not left:
                    done_at.append(time.perf_counter() - start)
                    break
                time.sleep(0.02)
            for worker in workers:
                worker.join()
            rate = (101000 - backend.scalar("select count(*) from core.jobs_ready")) / 4
            print(
                f"{queue} batch {batch}: {rate:,.0f} jobs/s; 200 × 5 small done after {done_at[0]:.2f} s"
                if done_at
                else f"{queue} batch {batch}: {rate:,.0f} jobs/s; small ones not done in 4 s"
            )


def enqueue_as(backend: Backend, tenant: int, jobs: int, queue: str) -> None:
    with backend.connection.transaction():
        backend.connection.execute(
            "select core.set_context(owner_user_id, id) from core.tenants where id = md5('tenant ' || %s)::uuid",
            (tenant,),
        )
        for start in range(0, jobs, 10000):
            backend.connection.execute(ENQUEUE, (PAYLOAD, min(10000, jobs - start), queue))


def backlog(conninfo: str, rounds: int) -> None:
    """A million rows waiting against ten thousand."""
    backend = Backend(conninfo)
    figures: dict[tuple[int, int], list[float]] = {}
    for _ in range(rounds):
        for waiting in (10000, 1000000):
            fill(backend, "core.jobs_ready", "default", waiting)
            # or the claims would pay for writing out what the fill left behind
            backend.connection.execute("checkpoint")
            for batch, jobs in ((1, 500), (100, 5000)):
                figures.setdefault((waiting, batch), []).append(measured(drain, backend, "default", batch, jobs)[1])
    for batch in (1, 100):
        small, large = (statistics.median(figures[waiting, batch]) for waiting in (10000, 1000000))
        print(verdict(f"1M rows against 10k, CPU per job, batch {batch}", large / small, 1.2))


def volume(conninfo: str, rounds: int) -> None:
    """Eight workers at once, with nothing finished and on top of a million finished jobs."""
    backend = Backend(conninfo)
    empty(backend)
    rates, costs = [], []
    for finished in (0, 1_000_000):
        if finished:
            add(backend, finished)
            drain(backend, "default", 1000, finished)
        runs = [eight_workers(conninfo, backend) for _ in range(rounds)]
        rate, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        rates.append(rate)
        costs.append(cpu)
        kept = backend.scalar("select count(*) from core.all_jobs where status = 'completed'")
        print(f"8 workers, batch 10, {kept:,} jobs finished: {rate:,.0f} jobs/s, CPU {cpu:.1f} µs per job")
    print(f"jobs/s with a million finished: {rates[1]:,.0f} (target ≥ 500): {'met' if rates[1] >= 500 else 'MISSED'}")
    print(verdict("1M finished jobs against none, CPU per job", costs[1] / costs[0], 1.2))


def add(backend: Backend, jobs: int) -> None:
    """More waiting jobs; what is finished stays."""
    backend.connection.execute(FILL.format(target="core.jobs_ready", queue="default", jobs=jobs, payload=PAYLOAD))
    backend.connection.execute("vacuum analyze core.jobs_ready")
    backend.connection.execute("checkpoint")


def eight_workers(conninfo: str, backend: Backend) -> tuple[float, float]:
    """(jobs per second of all together, CPU µs per job)."""
    each = 2_500
    add(backend, 8 * each)
    workers = [Backend(conninfo) for _ in range(8)]
    before = sum(worker.cpu() for worker in workers)
    threads = [threading.Thread(target=drain, args=(worker, "default", 10, each)) for worker in workers]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    cpu = sum(worker.cpu() for worker in workers) - before
    for worker in workers:
        worker.connection.close()
    left = backend.scalar("select count(*) from core.jobs_ready")
    if left:
        raise SystemExit(f"error: {left} jobs were left over")
    return 8 * each / elapsed, cpu * 1e6 / (8 * each)


def enqueue(conninfo: str, rounds: int) -> None:
    """One job a statement, and 1,000."""
    backend = Backend(conninfo)
    one, many = [], []
    for _ in range(rounds):
        backend.connection.execute("truncate core.jobs_ready")

        def singly(backend: Backend) -> int:
            for _ in range(1000):
                with backend.connection.transaction():
                    backend.connection.execute(
                        "select core.set_context(owner_user_id, id) from core.tenants where name = 'tenant 1'"
                    )
                    backend.connection.execute("select core.enqueue('send_email', %s)", (PAYLOAD,))
            return 1000

        def batches(backend: Backend) -> int:
            for _ in range(20):
                enqueue_as(backend, 1, 1000, "default")
            return 20000

        one.append(measured(singly, backend))
        many.append(measured(batches, backend))
    for name, runs in (("single", one), ("batch of 1,000", many)):
        rate, cpu, wal = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"enqueue {name}: {rate:,.0f} jobs/s, CPU {cpu:.1f} µs, WAL {wal:.0f} B per job")


PARTS = {"cost": cost, "pinned": pinned, "fair": fair, "backlog": backlog, "volume": volume, "enqueue": enqueue}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    config = load_config()
    recipe = project_recipe(config, seeds="production")
    with open_server(config, recipe) as server:
        template = server.template(recipe)
        for part in options.parts or PARTS:
            with template.clone() as database:
                with psycopg.connect(database.conninfo, autocommit=True) as admin:
                    admin.execute(TENANTS % {"user": uuid4()})
                PARTS[part](database.conninfo, options.rounds)


if __name__ == "__main__":
    main()
