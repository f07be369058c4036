"""The queue beside its peers and beside the bare DELETE … SKIP LOCKED that no queue can beat.

Each contender works through its own client library in a process of its own (`queues/`), on a database of its own of one
server, and takes turns with the others. Rates depend on client and neighbours; processor time of the server and bytes
of its log per job hardly do, so they carry the verdicts. graphile-worker and pg-boss come from npm, procrastinate and
pgqueuer from PyPI, into a cache folder.

A driver answers: setup | clear | enqueue COUNT BATCH | work COUNT BATCH CLIENTS | pickup COUNT PAUSE_MS.

usage: bench/jobqueue.py [--rounds N] [--only PART,…] [--batches N,…]
parts: enqueue, work, pinned, pickup, notify
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from dbkit.config import cache_dir, load_config
from dbkit.postgres import Database, Server
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer
from dbkit.recipe import project_recipe
from harness import table

DRIVERS = Path(__file__).parent / "queues"
PAYLOAD = json.dumps({"user_id": 42, "template": "welcome", "note": "x" * 60})
NPM = ("graphile-worker@0.17", "pg-boss@10")
PYPI = ("procrastinate>=3", "pgqueuer>=1", "asyncpg")
# With a backlog beyond this a contender's claims read the whole of it, and nothing else would be measured.
BACKLOG = {"pg-boss": 2_000}
ONE_BY_ONE = {"procrastinate"}
# What core.wake_workers lets one transaction at a time through.
GATE = "select pg_advisory_xact_lock(1685874536, hashtext('default'))"
# A server as in production but for the disk: nothing waits for it, so that designs are compared and not disks.
SERVER = {
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "checkpoint_timeout": "1h",
    "shared_buffers": "256MB",
}


@dataclass
class Contender:
    """A queue in its database.

    Attributes:
        command: the driver up to its connection string.
    """

    name: str
    command: list[str]
    database: Database
    environment: dict[str, str] = field(default_factory=dict)

    def ask(self, *words: object) -> dict[str, Any]:
        parts = conninfo_to_dict(self.database.conninfo)
        url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}&port={parts['port']}"
        variables = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname"}
        environment = {**os.environ, **self.environment, "BENCH_PAYLOAD": PAYLOAD}
        environment |= {variable: str(parts[key]) for variable, key in variables.items()}
        done = subprocess.run(
            [*self.command, url, *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name} {' '.join(map(str, words))}: {done.stderr[-500:] or done.stdout[-500:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def fill(self, count: int) -> None:
        self.ask("clear")
        for _ in range(0, count, 10_000):
            self.ask("enqueue", min(count, 10_000), min(count, 1000))
        with psycopg.connect(self.database.conninfo, autocommit=True) as connection:
            connection.execute("vacuum (analyze)")


@dataclass(frozen=True)
class Cost:
    """What one measured command cost.

    Attributes:
        rate: jobs a second.
        cpu: processor microseconds of the server's processes per job.
        wal: bytes of write-ahead log per job.
    """

    rate: float
    cpu: float
    wal: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="enqueue,work,pinned,pickup,notify")
    parser.add_argument("--batches", default="1,10,100")
    options = parser.parse_args()
    parts = options.only.split(",")
    print(f"load average {os.getloadavg()[0]:.1f}, {options.rounds} rounds, medians")
    with running_server() as server, ExitStack() as stack:
        contenders = start_contenders(server, stack)
        if "enqueue" in parts:
            bench_enqueue(server, contenders, options.rounds)
        if "work" in parts:
            for batch in map(int, options.batches.split(",")):
                clients, jobs = (4, 2_000) if batch == 1 else (2, min(1_000 * batch, 30_000))
                bench_work(server, contenders, options.rounds, batch, clients, jobs)
        if "pinned" in parts:
            bench_pinned(server, contenders, options.rounds)
        if "pickup" in parts:
            bench_pickup(contenders)
    if "notify" in parts:
        bench_notify(options.rounds)


@contextmanager
def running_server(**settings: str) -> Iterator[LocalServer]:
    config = load_config()
    server = LocalServer.start(choose_binaries(config), None, pool_size=0, **{**SERVER, **settings})
    try:
        print(f"PostgreSQL {server.version}")
        yield server
    finally:
        server.stop()


# ----- contenders ----------------------------------------------------------------------------------------------------


def start_contenders(server: Server, stack: ExitStack) -> list[Contender]:
    """Those that can be installed, each set up in its database; says which cannot."""
    own = server.template(project_recipe(load_config(), ["core"], seeds="production"))
    paths = {"PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    raw = [sys.executable, str(DRIVERS / "own.py"), "raw"]
    dbkit = [sys.executable, str(DRIVERS / "own.py"), "dbkit"]
    found = [
        Contender("raw", raw, stack.enter_context(server.database()), paths),
        Contender("dbkit", dbkit, stack.enter_context(own.clone()), paths),
    ]
    for name, command, environment in peers():
        found.append(Contender(name, command, stack.enter_context(server.database()), environment))
    for contender in found:
        contender.ask("setup")
    return found


def peers() -> Iterator[tuple[str, list[str], dict[str, str]]]:
    folder = cache_dir() / "bench-queue"
    folder.mkdir(parents=True, exist_ok=True)
    modules = folder / "node_modules"
    if shutil.which("npm") and not all((modules / name.split("@")[0]).exists() for name in NPM):
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *NPM]
        subprocess.run(install, capture_output=True, check=False)
    for name, driver in (("graphile-worker", "graphile.js"), ("pg-boss", "pgboss.js")):
        if shutil.which("node") and (modules / name).exists():
            yield name, ["node", str(DRIVERS / driver)], {"NODE_PATH": str(modules)}
        else:
            print(f"skipped: {name} could not be installed (npm install {name})")
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    probe = [python, "-c", "import procrastinate, pgqueuer, asyncpg"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        subprocess.run([python, "-m", "pip", "install", "-q", *PYPI], capture_output=True, check=False)
    for name in ("procrastinate", "pgqueuer"):
        if subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode:
            print(f"skipped: {name} could not be installed (pip install {name})")
        else:
            yield name, [str(python), str(DRIVERS / "python_peers.py"), name], {}


# ----- measuring -----------------------------------------------------------------------------------------------------


def measured(server: LocalServer, contender: Contender, *words: object) -> Cost:
    """Ask a driver and look at the server before and after."""
    before_cpu, before_wal = server_cpu(server), wal_position(contender)
    answer = contender.ask(*words)
    time.sleep(0.2)  # a server process ends a moment after its client
    cpu, wal = server_cpu(server) - before_cpu, wal_position(contender) - before_wal
    return Cost(answer["jobs"] / answer["seconds"], cpu * 1e6 / answer["jobs"], wal / answer["jobs"])


def server_cpu(server: LocalServer) -> float:
    """Processor seconds of the server: the postmaster, its children, and those that have ended."""
    assert server._process is not None
    root = server._process.pid
    tick = os.sysconf("SC_CLK_TCK")
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            identifier, words = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if identifier == root:
            total += sum(map(int, words[11:15]))
        elif int(words[1]) == root:
            total += sum(map(int, words[11:13]))
    return total / tick


def wal_position(contender: Contender) -> float:
    with psycopg.connect(contender.database.conninfo, autocommit=True) as connection:
        row = connection.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return float(row[0])


def medians(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("rate", "cpu", "wal")))


def show(title: str, costs: dict[str, list[Cost]]) -> dict[str, Cost]:
    found = {name: medians(samples) for name, samples in costs.items() if samples}
    limit = found.get("raw")
    rows = [
        (
            name,
            f"{cost.rate:,.0f}",
            f"{cost.cpu:.1f}",
            f"{cost.wal:,.0f}",
            f"{cost.cpu / limit.cpu:.2f}" if limit else "",
            f"{cost.wal / limit.wal:.2f}" if limit else "",
        )
        for name, cost in found.items()
    ]
    print(f"\n{title}")
    print(table(("", "jobs/s", "CPU µs/job", "WAL B/job", "CPU / raw", "WAL / raw"), rows))
    return found


def judge(name: str, value: float, bound: float, *, at_least: bool = False) -> None:
    met = value >= bound if at_least else value <= bound
    print(f"{name}: {value:.2f} (target {'≥' if at_least else '≤'} {bound:g}): {'met' if met else 'MISSED'}")


def rivals(found: dict[str, Cost]) -> list[Cost]:
    return [cost for name, cost in found.items() if name not in ("raw", "dbkit", "dbkit in context")]


# ----- the parts -----------------------------------------------------------------------------------------------------


def bench_work(
    server: LocalServer, contenders: Sequence[Contender], rounds: int, batch: int, clients: int, jobs: int
) -> None:
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            if batch > 1 and contender.name in ONE_BY_ONE:
                continue
            count = min(jobs, BACKLOG.get(contender.name, jobs))
            contender.fill(count)
            costs[contender.name].append(measured(server, contender, "work", count, batch, clients))
    found = show(f"claim + complete, batch {batch}, {clients} clients", costs)
    if batch == 100:
        judge("WAL per job, dbkit / raw", found["dbkit"].wal / found["raw"].wal, 1.3)
        judge("server CPU per job, dbkit / raw", found["dbkit"].cpu / found["raw"].cpu, 2.5)
    others = rivals(found)
    if others and batch == 100:
        judge("server CPU per job, dbkit / best peer", found["dbkit"].cpu / min(one.cpu for one in others), 1)
        judge("WAL per job, dbkit / best peer", found["dbkit"].wal / min(one.wal for one in others), 1)
    if others and batch == 1:
        judge("jobs/s, dbkit / fastest peer", found["dbkit"].rate / max(one.rate for one in others), 1, at_least=True)


def bench_enqueue(server: LocalServer, contenders: Sequence[Contender], rounds: int) -> None:
    for batch, jobs in ((1, 1_500), (1000, 30_000)):
        costs: dict[str, list[Cost]] = {}
        for _ in range(rounds):
            for contender in contenders:
                contender.ask("clear")
                costs.setdefault(contender.name, []).append(measured(server, contender, "enqueue", jobs, batch))
                if contender.name == "dbkit" and batch == 1:
                    costs.setdefault("dbkit in context", []).append(
                        measured(server, contender, "enqueue", jobs, batch, 1)
                    )
        found = show(f"enqueue, {batch} a statement, 1 client", costs)
        if others := rivals(found):
            fastest, cheapest = max(one.rate for one in others), min(one.cpu for one in others)
            judge("enqueue rate, dbkit / fastest peer", found["dbkit"].rate / fastest, 1, at_least=True)
            judge("server CPU per job, dbkit / best peer", found["dbkit"].cpu / cheapest, 1)


def bench_pinned(server: LocalServer, contenders: Sequence[Contender], rounds: int) -> None:
    """30,000 jobs are done while a snapshot from before them is held, then one by one; beside the same without it."""
    costs: dict[str, dict[bool, list[Cost]]] = {}
    done, more = 30_000, 1_500
    for _ in range(rounds):
        for contender in contenders:
            if contender.name in BACKLOG or contender.name in ONE_BY_ONE:
                continue
            for pinned in (False, True):
                contender.fill(done + 2 * more)
                with psycopg.connect(contender.database.conninfo) as holder:
                    if pinned:
                        holder.execute("set transaction isolation level repeatable read")
                        holder.execute("select count(*) from pg_class")
                    contender.ask("work", done, 100, 2)
                    if not pinned:
                        with psycopg.connect(contender.database.conninfo, autocommit=True) as connection:
                            connection.execute("vacuum")
                    cost = measured(server, contender, "work", more, 1, 4)
                costs.setdefault(contender.name, {}).setdefault(pinned, []).append(cost)
    print(f"\nan old snapshot held open, {done:,} jobs done, then batch 1")
    rows = []
    for name, found in costs.items():
        free, held = medians(found[False]), medians(found[True])
        ratios = (f"{held.rate / free.rate:.2f}", f"{free.cpu / held.cpu:.2f}")
        rows.append((name, f"{free.rate:,.0f}", f"{held.rate:,.0f}", f"{free.cpu:.0f}", f"{held.cpu:.0f}", *ratios))
    print(table(("", "free jobs/s", "pinned", "free CPU µs", "pinned", "jobs/s ratio", "per CPU ratio"), rows))
    free, held = medians(costs["dbkit"][False]), medians(costs["dbkit"][True])
    judge("pinned / free, dbkit, jobs/s", held.rate / free.rate, 0.7, at_least=True)
    judge("pinned / free, dbkit, jobs per CPU second", free.cpu / held.cpu, 0.7, at_least=True)


def bench_pickup(contenders: Sequence[Contender]) -> None:
    """An idle worker of each contender; a job every 40 ms."""
    rows = []
    for contender in contenders:
        if contender.name == "raw":
            continue
        contender.ask("clear")
        waits = sorted(contender.ask("pickup", 100, 40)["waits"])
        if len(waits) < 100:
            rows.append((contender.name, "-", "-", f"{len(waits)} of 100"))
            if not waits:
                continue
        middle, worst = waits[len(waits) // 2], waits[int(len(waits) * 0.99) - 1]
        if len(waits) == 100:
            rows.append((contender.name, f"{middle:.1f}", f"{worst:.1f}", "100 of 100"))
        if contender.name == "dbkit":
            own = (middle, worst)
    print("\npickup through each contender's worker: enqueue to begin of the handler, ms")
    print(table(("", "p50", "p99", "picked up"), rows))
    judge("pickup p50, ms", own[0], 15)
    judge("pickup p99, ms", own[1], 100)
    (dbkit,) = (contender for contender in contenders if contender.name == "dbkit")
    dbkit.fill(10_000)
    drained = dbkit.ask("drain", 10_000, 8)
    rate = drained["jobs"] / drained["seconds"]
    print(f"dbkit worker with a handler that does nothing: {rate:,.0f} jobs/s (target ≥ 500)")


def bench_notify(rounds: int) -> None:
    """32 clients that enqueue while a commit takes a millisecond, with and without the notification.

    Without is the same call while another session holds the gate, so that nobody gets to notify.
    """
    pgbench = shutil.which("pgbench")
    if pgbench is None:
        print("skipped: notify needs pgbench (Debian: apt-get install postgresql-client-common postgresql)")
        return
    with running_server(fsync="on", commit_delay="1000", commit_siblings="0") as server:
        own = server.template(project_recipe(load_config(), ["core"], seeds="production"))
        with own.clone() as database, tempfile.TemporaryDirectory() as folder:
            contender = Contender("dbkit", [sys.executable, str(DRIVERS / "own.py"), "dbkit"], database)
            contender.environment = {"PYTHONPATH": os.pathsep.join(map(str, sys.path))}
            contender.ask("setup")
            enqueue = f"select core.enqueue_for('{1:032x}', 'external_sync', '{{}}');\n"
            quiet, each = Path(folder) / "enqueue.sql", Path(folder) / "notify.sql"
            quiet.write_text(enqueue)
            each.write_text(f"begin;\n{enqueue}select pg_notify('dbkit_jobs', 'default');\nend;\n")
            rates: dict[str, list[float]] = {}
            with psycopg.connect(database.conninfo, autocommit=True) as listener:
                listener.execute("listen dbkit_jobs")
                for _ in range(rounds):
                    for name, script in (("no NOTIFY", quiet), ("gated NOTIFY", quiet), ("NOTIFY in each", each)):
                        with psycopg.connect(database.conninfo) as gate:
                            if name == "no NOTIFY":
                                gate.execute(GATE)
                            rates.setdefault(name, []).append(pgbench_rate(pgbench, database, script))
                        contender.ask("clear")
    middle = {name: statistics.median(found) for name, found in rates.items()}
    print("\n32 clients enqueue, a commit takes 1 ms more")
    print(
        table(
            ("", "tx/s", "ratio"),
            [(name, f"{rate:,.0f}", f"{rate / middle['no NOTIFY']:.2f}") for name, rate in middle.items()],
        )
    )
    judge("gated NOTIFY / none", middle["gated NOTIFY"] / middle["no NOTIFY"], 0.6, at_least=True)


def pgbench_rate(pgbench: str, database: Database, script: Path) -> float:
    parts = conninfo_to_dict(database.conninfo)
    command = [pgbench, "-n", "-M", "prepared", "-c", "32", "-j", "2", "-T", "4", "-f", str(script)]
    command += ["-h", str(parts["host"]), "-p", str(parts["port"]), "-U", str(parts["user"]), str(parts["dbname"])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps"))


if __name__ == "__main__":
    main()
