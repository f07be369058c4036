"""The primary dies under load and its standby takes over: what was acknowledged is there, and every service goes on.

Two servers of our own with a physical slot between them. Commits wait for the standby (`synchronous_standby_names`), so
a client's word that a transaction committed is a promise about both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from dbkit import build, seed
from dbkit.config import Config
from dbkit.ops import cron
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer

Connection = psycopg.Connection[Any]

# one story, told once
pytestmark = pytest.mark.xdist_group("promotion")

SLOT = "standby"
SETTINGS = {
    "wal_level": "replica",
    "max_wal_senders": "5",
    "hot_standby": "on",
    "synchronous_commit": "on",
    "max_worker_processes": "16",
}
CRON_SETTINGS = {
    "shared_preload_libraries": "pg_cron",
    "cron.database_name": "postgres",
    "cron.use_background_workers": "on",
}
PEOPLE = {uuid4(): uuid4() for _ in range(2)}  # user -> tenant
LOAD_SECONDS = 4.0
SOON = 120.0
NEXT_MINUTE_SECONDS = 150.0


@dataclass
class Acknowledged:
    """What clients of the primary were told is committed."""

    jobs: set[UUID] = field(default_factory=set)
    completed: set[UUID] = field(default_factory=set)
    events: dict[UUID, list[int]] = field(default_factory=lambda: {tenant: [] for tenant in PEOPLE.values()})
    names: dict[UUID, list[str]] = field(default_factory=lambda: {person: [] for person in PEOPLE})
    refusals: int = 0


class Promoted:
    """A standby that became the primary, and what its predecessor had acknowledged.

    Attributes:
        in_flight: jobs a worker had claimed without having committed when the primary died.
        leased: jobs of a lease whose worker died with the primary.
    """

    def __init__(self, server: LocalServer, said: Acknowledged, in_flight: set[UUID], leased: set[UUID]) -> None:
        self.server = server
        self.said = said
        self.in_flight = in_flight
        self.leased = leased

    def connect(self, role: str | None = None) -> Connection:
        options = f"-c role={role}" if role else None
        return psycopg.connect(self.server.conninfo("postgres"), autocommit=True, options=options)


@pytest.fixture(scope="module")
def promoted(config: Config) -> Iterator[Promoted]:
    """One story for all tests of the module: load on the primary, kill -9, promotion."""
    binaries = choose_binaries(config)
    has_cron = not binaries.missing(("pg_cron",))
    settings = {**SETTINGS, **(CRON_SETTINGS if has_cron else {})}
    primary = LocalServer.start(binaries, **settings)
    standby: LocalServer | None = None
    try:
        url = primary.conninfo("postgres")
        build.bootstrap(url, config)
        build.build(url, config)
        seed.load(url, config, "production")
        populate(url)
        if has_cron:
            register(url)
        standby = follow(primary, settings)
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f"alter system set synchronous_standby_names = '{SLOT}'")
            admin.execute("select pg_reload_conf()")
            wait_until(lambda: scalar(admin, "select count(*) from pg_stat_replication where sync_state = 'sync'") == 1)
        said = Acknowledged()
        in_flight, leased = run_until_killed(primary, said)
        with psycopg.connect(standby.conninfo("postgres"), autocommit=True) as admin:
            assert scalar(admin, "select pg_is_in_recovery()")
            # A standby with this setting would wait for another one.
            admin.execute("select pg_promote(true, 60)")
            assert not scalar(admin, "select pg_is_in_recovery()")
        yield Promoted(standby, said, in_flight, leased)
    finally:
        if standby is not None:
            standby.stop()
        primary.stop()


def populate(url: str) -> None:
    with psycopg.connect(url) as admin:
        for number, (person, tenant) in enumerate(PEOPLE.items()):
            admin.execute(
                "insert into core.users (id, auth_subject, email, name) values (%s, %s, %s, 'nobody yet')",
                (person, f"p{number}", f"p{number}@example.test"),
            )
            admin.execute(
                "insert into core.tenants (id, system, name, owner_user_id) values (%s, 'crm', %s, %s)",
                (tenant, f"t{number}", person),
            )
            admin.execute(
                "insert into core.memberships (tenant_id, user_id, role_key) values (%s, %s, 'OWNER')", (tenant, person)
            )
        admin.execute("select core.put_queue('held'), core.put_queue('forgotten')")


def register(url: str) -> None:
    """One job with pg_cron: the others would do the tests' work before them."""
    with psycopg.connect(url) as admin:
        admin.execute("create extension pg_cron; grant usage on schema cron to dbkit_migrator")
        admin.execute("update core.cron_jobs set is_enabled = name = 'sample-gauges'")
        admin.execute("set session authorization dbkit_migrator")
        cron.sync(admin)
        admin.execute("reset session authorization")
        admin.execute("update core.cron_jobs set is_enabled = true")


def follow(primary: LocalServer, settings: dict[str, str]) -> LocalServer:
    """A standby of `primary`, streaming through a slot of its own."""
    standby = LocalServer(primary.binaries, primary._user, {**settings, "cluster_name": SLOT})
    try:
        subprocess.run(
            [primary.binaries.program("pg_basebackup"), "--pgdata", standby._data, "--dbname", primary.conninfo(),
             "--write-recovery-conf", "--create-slot", "--slot", SLOT, "--checkpoint=fast", "--no-sync"],
            check=True, cwd="/", timeout=300, **primary._as_user(),
        )  # fmt: skip
        standby._launch()
    except BaseException:
        standby.stop()
        raise
    return standby


def run_until_killed(primary: LocalServer, said: Acknowledged) -> tuple[set[UUID], set[UUID]]:
    """Load from every side; then the postmaster and all its processes die at once."""
    url = primary.conninfo("postgres")
    over = Event()
    writers = [Thread(target=write, args=(url, said, person, tenant, over)) for person, tenant in PEOPLE.items()]
    workers = [Thread(target=work, args=(url, said, f"w{number}", over)) for number in range(3)]
    others = [Thread(target=limit, args=(url, said, over)), Thread(target=seal, args=(url, over))]
    leased = forget(url)
    for thread in (*writers, *workers, *others):
        thread.start()
    time.sleep(LOAD_SECONDS)
    with psycopg.connect(url, autocommit=True) as admin:
        wait_until(lambda: is_real(said) and scalar(admin, "select count(*) > 0 from core.audit_seal_runs"))
    holders, held = hold(url, "held")
    assert primary._process is not None
    pid = primary._process.pid
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for victim in (pid, *children):
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    primary._process.wait(timeout=SOON)
    over.set()
    for thread in (*writers, *workers, *others):
        thread.join(timeout=SOON)
        assert not thread.is_alive(), "a client still waits for a server that is dead"
    for holder in holders:
        holder.close()
    return held, leased


def is_real(said: Acknowledged) -> bool:
    """Whether every kind of work was acknowledged, and some of it is left."""
    jobs, completed = set(said.jobs), set(said.completed)  # others may be writing to them
    written = all(said.events.values()) and all(said.names.values())
    return written and len(jobs) > 50 and bool(completed and jobs - completed and said.refusals)


def write(url: str, said: Acknowledged, person: UUID, tenant: UUID, over: Event) -> None:
    """A request after the other: a job, an event and an audited change, together or not at all."""
    with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        number = 0
        while not over.is_set():
            number += 1
            connection.execute("set local role app_user")
            connection.execute("select core.set_context(%s, %s)", (person, tenant))
            job = scalar(connection, "select core.enqueue('send_email', %s)", (f'{{"to": "x", "n": {number}}}',))
            event = scalar(connection, "select core.emit('news', 'CUSTOM', 'note', %s)", (str(number),))
            connection.execute("reset role")
            connection.execute("update core.users set name = %s where id = %s", (f"name {number}", person))
            connection.commit()
            said.jobs.add(job)
            said.events[tenant].append(event)
            said.names[person].append(f"name {number}")


def work(url: str, said: Acknowledged, name: str, over: Event) -> None:
    with suppress(psycopg.OperationalError), connect(url, "app_worker") as connection:
        lease, mine = None, set[UUID]()
        while not over.is_set():
            rows = connection.execute(
                "select id, lease_id from core.next_jobs(%s, 5, 'default', null, %s)", (name, lease)
            ).fetchall()
            said.completed |= mine
            mine = {row[0] for row in rows}
            lease = rows[0][1] if rows else None
            # slower than the writers, so that jobs of every state are there when the server dies
            time.sleep(0.02)


def limit(url: str, said: Acknowledged, over: Event) -> None:
    with suppress(psycopg.OperationalError), connect(url, "app_user") as connection:
        while not over.is_set():
            said.refusals += not scalar(connection, "select allowed from core.rate_limit('strict', 'somebody')")
            time.sleep(0.005)


def seal(url: str, over: Event) -> None:
    with suppress(psycopg.OperationalError), connect(url, "app_worker") as connection:
        while not over.is_set():
            connection.execute("select core.seal_audit()")
            time.sleep(0.05)


def hold(url: str, queue: str) -> tuple[list[Connection], set[UUID]]:
    """Two claims that do not commit: the mark stands where the second began, above all that the first passed.

    The second is one that looked below the marks, as each one does now and then: until it ends nobody else does, or the
    sweep of a worker would lower the mark again.
    """
    fill(url, queue, 80)
    holders, held = [], set[UUID]()
    for number in range(2):
        connection = psycopg.connect(url)
        if number == 1:
            connection.execute("select pg_advisory_xact_lock(1685874537, 0)")
        connection.execute("set local role app_worker")
        rows = connection.execute("select id from core.next_jobs(%s, 40, %s)", (f"holder{number}", queue)).fetchall()
        assert len(rows) == 40
        holders.append(connection)
        held |= {row[0] for row in rows}
    fill(url, queue, 40)  # waits for the standby, so the mark, which came before it, is there too
    return holders, held


def forget(url: str) -> set[UUID]:
    """A lease whose worker is never heard of again."""
    fill(url, "forgotten", 10)
    with connect(url, "app_worker") as connection:
        rows = connection.execute("select id from core.next_jobs('lost', 10, 'forgotten')").fetchall()
    return {row[0] for row in rows}


def fill(url: str, queue: str, jobs: int) -> None:
    person, tenant = next(iter(PEOPLE.items()))
    with psycopg.connect(url) as connection:
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (person, tenant))
        connection.execute(
            "select core.enqueue_many('send_email', array_fill('{\"to\": \"x\"}'::jsonb, array[%s]), p_queue => %s)",
            (jobs, queue),
        )


def connect(url: str, role: str) -> Connection:
    return psycopg.connect(url, autocommit=True, options=f"-c role={role}")


def scalar(connection: Connection, query: str, parameters: tuple[object, ...] = ()) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def wait_until(is_so: Callable[[], bool], seconds: float = SOON) -> None:
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def drain(promoted: Promoted, queue: str) -> Counter[UUID]:
    """Claim and complete until nothing comes."""
    seen = Counter[UUID]()
    with promoted.connect("app_worker") as connection:
        lease = None
        while True:
            rows = connection.execute(
                "select id, lease_id from core.next_jobs('after', 7, %s, null, %s)", (queue, lease)
            ).fetchall()
            if not rows:
                return seen
            seen.update(row[0] for row in rows)
            lease = rows[0][1]


def rescue(promoted: Promoted, queue: str) -> int:
    """Let the leases of a queue run out; the number of jobs that were taken from their workers."""
    with promoted.connect() as admin:
        admin.execute("update core.job_leases set lease_until = clock_timestamp() where queue = %s", (queue,))
    with promoted.connect("app_worker") as connection:
        rescued: int = scalar(connection, "select core.requeue_expired_leases()")
    return rescued


def test_the_load_was_real(promoted: Promoted) -> None:
    assert is_real(promoted.said)


def test_every_acknowledged_job_is_there_and_no_completion_is_forgotten(promoted: Promoted) -> None:
    with promoted.connect() as admin:
        states = dict(admin.execute("select id, status from core.all_jobs").fetchall())
    assert promoted.said.jobs <= states.keys()
    assert {states[job] for job in promoted.said.completed} == {"completed"}


def test_jobs_a_claim_had_passed_without_a_commit_are_found(promoted: Promoted) -> None:
    """The mark came over with the log and the claim did not: waiting jobs lie below the mark."""
    with promoted.connect() as admin:
        below = scalar(
            admin,
            "select count(*) from core.jobs_ready as r join core.queue_lanes as l on l.id = r.lane_id"
            " where l.queue = 'held' and r.tag < pg_sequence_last_value(l.mark)",
        )
    assert below == 40, "the test shows nothing: no mark had moved"
    seen = Counter[UUID]()

    def all_came() -> bool:
        seen.update(drain(promoted, "held"))
        return len(seen) == 120

    wait_until(all_came)
    assert promoted.in_flight < seen.keys() and set(seen.values()) == {1}


def test_a_lease_survives_and_its_jobs_are_rescued_when_it_runs_out(promoted: Promoted) -> None:
    assert not drain(promoted, "forgotten"), "a lease that has not run out is its worker's"
    assert rescue(promoted, "forgotten") == 10
    assert drain(promoted, "forgotten") == Counter(promoted.leased)


def test_what_is_left_is_done_once_and_new_jobs_too(promoted: Promoted) -> None:
    with promoted.connect() as admin:
        # more than was acknowledged: the answer to the last completions did not reach their workers any more
        done = {row[0] for row in admin.execute("select id from core.all_jobs where status = 'completed'")}
    rescue(promoted, "default")
    fill(promoted.server.conninfo("postgres"), "default", 100)
    seen = drain(promoted, "default")
    assert set(seen.values()) == {1}
    assert promoted.said.completed <= done and not done & seen.keys(), "a job that was completed came again"
    assert promoted.said.jobs - done <= seen.keys()
    with promoted.connect() as admin:
        states = admin.execute(
            "select distinct status from core.all_jobs where queue = 'default' and job_type = 'send_email'"
        ).fetchall()
    assert states == [("completed",)]


def test_events_go_on_behind_the_last_one_read(promoted: Promoted) -> None:
    url = promoted.server.conninfo("postgres")
    for person, tenant in PEOPLE.items():
        said = promoted.said.events[tenant]
        middle = said[len(said) // 2]
        with psycopg.connect(url) as connection:
            connection.execute("set local role app_user")
            connection.execute("select core.set_context(%s, %s)", (person, tenant))
            new = scalar(connection, "select core.emit('news', 'CUSTOM', 'note', 'after')")
        with psycopg.connect(url) as connection:
            connection.execute("set local role app_user")
            connection.execute("select core.set_context(%s, %s)", (person, tenant))
            read: list[int] = []
            while page := connection.execute(
                "select id from core.read_events('news', %s, 1000)", (read[-1] if read else middle,)
            ).fetchall():
                read += [row[0] for row in page]
        assert [event for event in said if event > middle] == [event for event in read if event in set(said)]
        assert read == sorted(set(read)) and read[-1] == new


def test_audited_changes_are_there_and_the_seals_hold(promoted: Promoted) -> None:
    with promoted.connect() as admin:
        for person, names in promoted.said.names.items():
            logged = admin.execute(
                "select new_values ->> 'name' from core.audit_log where entity_type = 'core.users' and entity_id = %s"
                " and action = 'update' order by id",
                (str(person),),
            ).fetchall()
            assert [row[0] for row in logged][: len(names)] == names
            assert scalar(admin, "select name from core.users where id = %s", (person,)) == logged[-1][0]
        sealed = scalar(admin, "select count(*) from core.audit_seal_runs")
        assert sealed > 0
        assert admin.execute("select * from core.verify_audit()").fetchall() == []
        admin.execute("update core.users set name = 'after'")
    with promoted.connect("app_worker") as connection:
        connection.execute("select core.seal_audit()")
    with promoted.connect() as admin:
        assert scalar(admin, "select count(*) from core.audit_seal_runs") > sealed
        assert scalar(admin, "select max(timeline) from core.audit_seal_runs") == 1, "one chain, not two"
        assert admin.execute("select * from core.verify_audit()").fetchall() == []
        admin.execute("alter table core.audit_log disable trigger user")
        changed = admin.execute(
            "update core.audit_log set new_values = '{}' where id = (select min(id) from core.audit_log) returning id"
        ).fetchall()
        assert scalar(admin, "select entry_id from core.verify_audit()") == changed[0][0], "the verifier can fail"


def test_the_limiter_counts_anew_and_exactly(promoted: Promoted) -> None:
    """Its table is unlogged: empty after a promotion, and not in the way."""
    with promoted.connect("app_user") as connection:
        answers = [scalar(connection, "select allowed from core.rate_limit('strict', 'somebody')") for _ in range(7)]
    assert answers == [True] * 5 + [False] * 2


def test_scheduled_jobs_run_on(promoted: Promoted) -> None:
    with promoted.connect() as admin:
        admin.execute("update core.cron_jobs set created_at = now() - interval '2 days'")
    with psycopg.connect(promoted.server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("set role dbkit_migrator")
        outcomes = cron.tick(connection)
        assert len(outcomes) > 5
        assert {outcome.name: outcome.message for outcome in outcomes if not outcome.ok} == {}
        assert scalar(connection, "select core.probe_cron_failures(1)") == 0


def test_pg_cron_runs_on(promoted: Promoted) -> None:
    with promoted.connect() as admin:
        if not scalar(admin, "select count(*) from pg_extension where extname = 'pg_cron'"):
            pytest.skip("no pg_cron here: apt install postgresql-15-cron")
        admin.execute("delete from core.cron_runs")
        run = "select count(*) from core.cron_runs where name = 'sample-gauges' and ok"
        wait_until(lambda: scalar(admin, run) > 0, NEXT_MINUTE_SECONDS)
