"""The queue where sessions meet: one job for one worker, exact limits, late commits, crashes, poolers, wake-ups."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from together import at_once, found_tenants, scalar

from dbkit.config import Config
from dbkit.postgres import Database
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer
from dbkit.recipe import project_recipe

Connection = psycopg.Connection[Any]
T = TypeVar("T")
PATIENCE = 60.0

ENQUEUE_MANY = """
select core.enqueue_many('send_email', array_fill('{"to": "x"}'::jsonb, array[%s]), p_queue => %s)
"""
MARK = """
select coalesce(pg_sequence_last_value(l.mark), 0)
  from core.queue_lanes as l
 where l.queue = 'default' and l.priority = 0
"""
PASSED_OVER = """
select count(*) from core.job_envelopes as e cross join unnest(e.jobs) as job where job.tag between %s and %s
"""

ANN, SUE = uuid4(), uuid4()
NORTH, SOUTH = uuid4(), uuid4()


@pytest.fixture
def conninfo(core_db: Database) -> str:
    found_tenants(core_db.conninfo, north=(NORTH, ANN), south=(SOUTH, SUE))
    return core_db.conninfo


@contextmanager
def member(conninfo: str, person: UUID = ANN, tenant: UUID = NORTH) -> Iterator[Connection]:
    """A connection inside one transaction of a member; commits at the end."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (person, tenant))
        yield connection


@contextmanager
def worker(conninfo: str) -> Iterator[Connection]:
    """A connection as workers have it: autocommit, role app_worker."""
    with psycopg.connect(conninfo, autocommit=True, options="-c role=app_worker") as connection:
        yield connection


def enqueue(conninfo: str, jobs: int, queue: str = "default", person: UUID = ANN, tenant: UUID = NORTH) -> None:
    with member(conninfo, person, tenant) as connection:
        for start in range(0, jobs, 10000):
            connection.execute(
                ENQUEUE_MANY,
                (min(10000, jobs - start), queue),
            )


def undo(transaction: psycopg.Transaction) -> None:
    """Leave a transaction block by rolling it back."""
    raise psycopg.Rollback(transaction)


def states(conninfo: str) -> dict[str, int]:
    with psycopg.connect(conninfo) as admin:
        return dict(admin.execute("select status, count(*) from core.job_queue group by status").fetchall())


def drain(conninfo: str, name: str, batch: int, queue: str = "default") -> list[UUID]:
    """Claim and complete until nothing came for a while, as a worker polls; the ids in the order they came."""
    seen: list[UUID] = []
    lease = None
    idle = 0
    with worker(conninfo) as connection:
        while True:
            rows = connection.execute(
                "select id, lease_id from core.next_jobs(%s, %s, %s, null, %s)", (name, batch, queue, lease)
            ).fetchall()
            if not rows:
                if idle == 20:
                    return seen
                lease, idle = None, idle + 1
                time.sleep(0.02)
                continue
            seen += [row[0] for row in rows]
            lease, idle = rows[0][1], 0


@pytest.mark.parametrize("queue", ["default", "fair"])
def test_twenty_workers_run_ten_thousand_jobs_exactly_once(conninfo: str, queue: str) -> None:
    enqueue(conninfo, 7000, queue)
    enqueue(conninfo, 3000, queue, SUE, SOUTH)
    taken = at_once(20, lambda number: drain(conninfo, f"w{number}", 1 + 7 * number, queue))
    counts = Counter(job for jobs in taken for job in jobs)
    assert len(counts) == 10000
    assert max(counts.values()) == 1, "a job was given to two workers"
    assert states(conninfo) == {"completed": 10000}


def test_jobs_that_make_room_are_claimed_exactly_once(conninfo: str) -> None:
    """Jobs of a fair queue change places while others claim them, and while others are moving them too."""
    enqueue(conninfo, 2000, "fair")

    def urgent(number: int) -> list[UUID]:
        if number < 4:
            return drain(conninfo, f"w{number}", 1 + 7 * number, "fair")
        for _ in range(60):
            with member(conninfo) as connection:
                connection.execute("select core.enqueue('send_email', '{\"to\": \"x\"}', 1, p_queue => 'fair')")
        return []

    taken = at_once(8, urgent)
    counts = Counter(job for jobs in taken for job in jobs)
    assert len(counts) == 2240
    assert max(counts.values()) == 1, "a job was given to two workers"
    assert states(conninfo) == {"completed": 2240}


def test_who_queues_before_others_waits_for_nobody(conninfo: str) -> None:
    """Not for another transaction that has moved the same jobs, and where a move would be an error there is none."""
    urgent = "select core.enqueue('send_email', '{\"to\": \"x\"}', 1, p_queue => 'fair')"
    enqueue(conninfo, 10, "fair")
    with member(conninfo) as first:
        first.execute(urgent)
        with member(conninfo) as second:
            second.execute("set local lock_timeout = '5s'")
            second.execute(urgent)
    with psycopg.connect(conninfo) as strict:
        strict.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        strict.execute("set local role app_user")
        strict.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        with worker(conninfo) as busy:
            assert len(busy.execute("select id from core.next_jobs('w1', 6, 'fair')").fetchall()) == 6
        strict.execute(urgent)
    assert len(drain(conninfo, "w2", 10, "fair")) == 13 - 6
    assert states(conninfo) == {"completed": 7, "processing": 6}


def test_two_workers_and_one_job(conninfo: str) -> None:
    """A claim that is not committed yet hides the job from others, without making them wait."""
    enqueue(conninfo, 1)
    with worker(conninfo) as first, worker(conninfo) as second:
        with first.transaction() as undone:
            assert len(first.execute("select id from core.next_jobs('w1')").fetchall()) == 1
            assert second.execute("select id from core.next_jobs('w2')").fetchall() == []
            undo(undone)
        assert len(second.execute("select id from core.next_jobs('w2')").fetchall()) == 1, (
            "a claim undone gives it back"
        )
        assert first.execute("select id from core.next_jobs('w1')").fetchall() == []


def test_what_one_worker_holds_does_not_stop_the_others(conninfo: str) -> None:
    enqueue(conninfo, 30)
    with worker(conninfo) as slow, worker(conninfo) as quick, slow.transaction() as undone:
        held = slow.execute("select id from core.next_jobs('slow', 10)").fetchall()
        rest = quick.execute("select id from core.next_jobs('quick', 100)").fetchall()
        assert (len(held), len(rest)) == (10, 20)
        undo(undone)
    # the marks are past the ten by now
    assert len(drain(conninfo, "w3", 100)) == 10


def test_a_job_committed_late_is_found_below_the_mark(conninfo: str) -> None:
    with member(conninfo) as late:
        late.execute("select core.enqueue('send_email', '{\"to\": \"late\"}')")
        enqueue(conninfo, 100)
        assert len(drain(conninfo, "w1", 20)) == 100, "the open transaction holds nobody up"
        late.commit()
    assert len(drain(conninfo, "w1", 20)) == 1


def test_a_job_committed_late_is_found_while_others_keep_coming(conninfo: str) -> None:
    """The queue is never empty, so it is the look below the marks that finds the job."""
    enqueue(conninfo, 50)
    with member(conninfo) as late, worker(conninfo) as busy:
        late.execute("select core.enqueue('send_email', '{\"to\": \"late\"}')")
        enqueue(conninfo, 20000)
        busy.execute("select from core.next_jobs('w1', 100)")
        busy.execute("select from core.next_jobs('w1', 100)")
        late.commit()
        for _ in range(190):
            rows = busy.execute("select payload ->> 'to' from core.next_jobs('w1', 100)").fetchall()
            assert rows, "the queue was to stay full"
            if ("late",) in rows:
                return
            time.sleep(0.01)
    pytest.fail("the late job was passed over")


@pytest.mark.parametrize("batch", [1, 4])
def test_the_limit_of_a_queue_is_exact(conninfo: str, batch: int) -> None:
    with psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute("select core.put_queue('narrow', p_max_running => 5)")
    enqueue(conninfo, 300, "narrow")

    def run(number: int) -> tuple[int, int]:
        """(jobs done, most seen running at a time)"""
        done = most = idle = 0
        with worker(conninfo) as connection, psycopg.connect(conninfo, autocommit=True) as admin:
            while idle < 50:
                rows = connection.execute(
                    "select lease_id from core.next_jobs(%s, %s, 'narrow')", (f"w{number}", batch)
                ).fetchall()
                most = max(
                    most,
                    scalar(admin, "select coalesce(sum(open_count), 0) from core.job_leases where queue = 'narrow'"),
                )
                if rows:
                    connection.execute("select core.complete_jobs(%s)", rows[0])
                    done += len(rows)
                    idle = 0
                else:
                    idle += 1
                    time.sleep(0.005)
        return done, most

    results = at_once(8, run)
    assert sum(done for done, _ in results) == 300
    assert max(most for _, most in results) <= 5


def test_parallel_enqueues_with_one_key_add_one_job(conninfo: str) -> None:
    def one(number: int) -> UUID:
        with member(conninfo) as connection:
            return UUID(
                str(scalar(connection, "select core.enqueue('send_email', '{\"to\": \"x\"}', p_dedupe_key => 'k')"))
            )

    assert len(set(at_once(8, one))) == 1
    assert states(conninfo) == {"pending": 1}


def test_a_key_freed_by_a_rollback_goes_to_who_waited(conninfo: str) -> None:
    query = "select core.enqueue('send_email', '{\"to\": \"x\"}', p_dedupe_key => 'k')"
    with member(conninfo) as first:
        undone = scalar(first, query)
        with ThreadPoolExecutor(1) as pool:

            def second() -> Any:
                with member(conninfo) as connection:
                    return scalar(connection, query)

            waiting = pool.submit(second)
            time.sleep(0.2)
            assert not waiting.done()
            first.rollback()
            assert waiting.result(timeout=30) != undone
    assert states(conninfo) == {"pending": 1}


def test_every_call_may_come_over_another_connection(conninfo: str) -> None:
    """A transaction pooler gives each transaction any server session; the queue keeps nothing in sessions."""
    enqueue(conninfo, 3)
    with worker(conninfo) as connection:
        rows = connection.execute("select lease_id, id from core.next_jobs('w1')").fetchall()
    lease = rows[0][0]
    with worker(conninfo) as connection:
        assert connection.execute("select is_held from core.heartbeat(array[%s::bigint])", (lease,)).fetchone() == (
            True,
        )
        connection.execute("discard all")
    with worker(conninfo) as connection:
        assert scalar(connection, "select core.complete_jobs(%s)", (lease,)) == 3
    assert states(conninfo) == {"completed": 3}


def test_one_notify_is_under_way_at_a_time(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as listener, member(conninfo) as first:
        listener.execute("listen dbkit_jobs")
        first.execute("select core.enqueue('send_email', '{\"to\": \"x\"}')")
        enqueue(conninfo, 1)  # while the first has the wake-up in hand
        assert list(listener.notifies(timeout=0.2)) == []
        first.commit()
        received = list(listener.notifies(timeout=PATIENCE, stop_after=1))
        assert [(notice.channel, notice.payload) for notice in received] == [("dbkit_jobs", "default")]
        enqueue(conninfo, 1)
        assert len(list(listener.notifies(timeout=PATIENCE, stop_after=1))) == 1, "the next one wakes again"


def test_leases_go_by_the_clock_of_the_server(conninfo: str) -> None:
    """No argument of a worker's is a time, and its session's time zone changes nothing."""
    enqueue(conninfo, 1)
    with psycopg.connect(
        conninfo, autocommit=True, options="-c role=app_worker -c timezone=Pacific/Kiritimati"
    ) as east:
        lease = scalar(east, "select lease_id from core.next_jobs('east')")
        assert scalar(east, "select core.requeue_expired_leases()") == 0
    with psycopg.connect(conninfo, autocommit=True, options="-c role=app_worker -c timezone=Pacific/Pago_Pago") as west:
        assert scalar(west, "select core.requeue_expired_leases()") == 0
        assert scalar(west, "select core.complete_jobs(%s)", (lease,)) == 1
    with psycopg.connect(conninfo) as admin:
        times = admin.execute(
            "select p.proname from pg_proc as p where p.pronamespace = 'core'::regnamespace"
            "   and has_function_privilege('app_worker', p.oid, 'execute')"
            "   and p.proname ~ '(job|lease|heartbeat)' and p.proname not in ('find_job', 'job_backoff')"
            "   and 'timestamptz'::regtype = any (p.proargtypes)"
        ).fetchall()
    assert times == []


def test_an_old_snapshot_does_not_make_claims_walk_over_what_is_gone(conninfo: str) -> None:
    """Counted in jobs, not in time: with a snapshot open the entries of deleted jobs stay in the index."""
    enqueue(conninfo, 12000)
    with (
        psycopg.connect(conninfo) as holder,
        worker(conninfo) as connection,
        psycopg.connect(conninfo, autocommit=True) as admin,
    ):
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.execute("select count(*) from core.jobs_ready")
        lease = None
        for _ in range(100):
            lease = scalar(connection, "select lease_id from core.next_jobs('w1', 100, 'default', null, %s)", (lease,))
        mark = scalar(
            admin,
            MARK,
        )
        first = scalar(admin, "select min(tag) from core.jobs_ready")
        gone = scalar(
            admin,
            PASSED_OVER,
            (mark, first),
        )
    assert gone <= 200, f"a claim begins {gone} jobs too early"


def test_a_retry_in_a_long_transaction_keeps_nobody_from_what_is_due(conninfo: str) -> None:
    with member(conninfo) as owner:
        job = scalar(owner, "select core.enqueue('send_email', '{\"to\": \"x\"}')")
        owner.execute("select core.cancel_job(%s)", (job,))
    with member(conninfo, SUE, SOUTH) as other:
        scalar(
            other,
            "select core.enqueue('send_email', '{\"to\": \"y\"}', p_run_at => clock_timestamp() + interval '50 ms')",
        )
    with member(conninfo) as owner, worker(conninfo) as works:
        owner.execute("select core.retry_job(%s)", (job,))
        time.sleep(0.1)
        assert works.execute("select payload ->> 'to' from core.next_jobs('w', 10)").fetchall() == [("y",)]
    with worker(conninfo) as works:
        assert works.execute("select payload ->> 'to' from core.next_jobs('w', 10)").fetchall() == [("x",)]


@pytest.mark.parametrize("step", ["select core.promote_jobs()", "select from core.next_jobs('w', 10)"])
def test_a_job_that_moves_on_while_it_is_cancelled_is_cancelled(conninfo: str, step: str) -> None:
    with member(conninfo) as owner:
        job = scalar(
            owner, "select core.enqueue('send_email', '{\"to\": \"x\"}', p_run_at => now() + interval '1 hour')"
        )
    with psycopg.connect(conninfo) as clock:
        clock.execute("update core.jobs_scheduled set scheduled_at = clock_timestamp()")

    def cancel() -> str:
        with member(conninfo) as owner:
            return str(scalar(owner, "select (core.cancel_job(%s)).status", (job,)))

    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(conninfo) as mover, psycopg.connect(conninfo, autocommit=True) as admin:
            mover.execute(step)
            cancelled = pool.submit(cancel)
            deadline = time.monotonic() + PATIENCE
            while not scalar(admin, "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"):
                assert time.monotonic() < deadline, f"it does not wait: {cancelled}"
                time.sleep(0.01)
        assert cancelled.result(timeout=60) == "cancelled"
    assert states(conninfo) == {"cancelled": 1}


def test_a_lease_that_has_to_wait_is_left_and_the_others_are_rescued(conninfo: str) -> None:
    for person, tenant in ((SUE, SOUTH), (ANN, NORTH)):
        enqueue(conninfo, 1, person=person, tenant=tenant)
        with worker(conninfo) as dead:
            assert dead.execute("select from core.next_jobs('dead', 1)").fetchall() == [()]
    with psycopg.connect(conninfo, autocommit=True) as admin, psycopg.connect(conninfo) as deletion:
        admin.execute("update core.job_leases set lease_until = clock_timestamp() - interval '1 minute'")
        deletion.execute("delete from core.memberships where tenant_id = %s", (SOUTH,))
        deletion.execute("delete from core.tenants where id = %s", (SOUTH,))
        admin.execute("set statement_timeout = '60s'")
        assert scalar(admin, "select core.requeue_expired_leases()") == 1
        deletion.commit()
        assert scalar(admin, "select core.requeue_expired_leases()") == 1
    assert states(conninfo) == {"pending": 1}


def test_a_dead_job_somebody_holds_is_purged_the_next_time(conninfo: str) -> None:
    with psycopg.connect(conninfo) as admin:
        for _ in range(2):
            admin.execute("select core.platform_cancel_job(core.enqueue_for(null, 'data_cleanup'))")
        admin.execute("update core.jobs_dead set finished_at = finished_at - interval '40 days'")
    with psycopg.connect(conninfo) as holder, psycopg.connect(conninfo, autocommit=True) as admin:
        holder.execute("select from core.jobs_dead limit 1 for update")
        assert scalar(admin, "select core.purge_jobs()") == 1
        holder.rollback()
        assert scalar(admin, "select core.purge_jobs()") == 1


def test_a_purge_beside_somebody_who_makes_a_partition_is_left_for_the_next_time(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as admin, psycopg.connect(conninfo) as maker:
        admin.execute("select core.platform_cancel_job(core.enqueue_for(null, 'data_cleanup'))")
        maker.execute("lock table core.job_envelopes_default in access exclusive mode")
        assert scalar(admin, "select core.purge_jobs('0')") == 0
        assert scalar(admin, "select core.ensure_job_partitions(9)") == 0, (
            "nor does it keep dead workers' jobs from others"
        )
        maker.rollback()
        assert scalar(admin, "select core.ensure_job_partitions(9)") > 0
        assert scalar(admin, "select core.purge_jobs('0')") == 1


def test_a_claim_that_was_rolled_back_leaves_the_limit_as_it_was(conninfo: str) -> None:
    """It had completed a lease before it counted, and the mark it moved is not rolled back."""
    with psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute("select core.put_queue('narrow', false, 2)")
    enqueue(conninfo, 10, "narrow")
    claim = "select lease_id from core.next_jobs(%s, 1, 'narrow', null, %s)"
    with worker(conninfo) as connection:
        first = scalar(connection, claim, ("w1", None))
        scalar(connection, claim, ("w2", None))
        with connection.transaction() as transaction:
            assert scalar(connection, claim, ("w1", first)) is not None
            undo(transaction)
        assert connection.execute(claim, ("w3", None)).fetchall() == [], "two of two are running"
        assert scalar(connection, claim, ("w1", first)) is not None, "completed, it makes room"
        connection.execute("select core.requeue_expired_leases()")
    with psycopg.connect(conninfo) as admin:
        low = "select pg_sequence_last_value(lease_low) from core.queues where name = 'narrow'"
        oldest = "select min(id) from core.job_leases where queue = 'narrow'"
        assert scalar(admin, low) == scalar(admin, oldest) > first, "the mark follows the oldest lease"


def test_a_server_killed_in_the_middle_of_a_claim_loses_nothing(config: Config) -> None:
    recipe = project_recipe(config, seeds="production")
    server = LocalServer.start(choose_binaries(config), recipe, synchronous_commit="on")
    try:
        with server.template(recipe).clone() as database:
            found_tenants(database.conninfo, north=(NORTH, ANN), south=(SOUTH, SUE))
            enqueue(database.conninfo, 30)
            committed = psycopg.connect(database.conninfo, autocommit=True, options="-c role=app_worker")
            lease = scalar(committed, "select lease_id from core.next_jobs('w1', 10)")
            in_flight = psycopg.connect(database.conninfo, options="-c role=app_worker")
            assert len(in_flight.execute("select id from core.next_jobs('w2', 10)").fetchall()) == 10

            assert server._process is not None
            children = _children(server._process.pid)
            server._process.send_signal(signal.SIGKILL)
            server._process.wait(timeout=PATIENCE)
            _wait_until_gone(children)
            committed.close()
            in_flight.close()
            (server._data / "postmaster.pid").unlink(missing_ok=True)
            server._launch()

            assert states(database.conninfo) == {"pending": 20, "processing": 10}
            with worker(database.conninfo) as connection:
                assert scalar(connection, "select core.complete_jobs(%s)", (lease,)) == 10, (
                    "a lease outlives the server"
                )
            assert len(drain(database.conninfo, "w3", 7)) == 20
            assert states(database.conninfo) == {"completed": 30}
    finally:
        server.stop()


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()]


def _wait_until_gone(pids: list[int]) -> None:
    """Server processes end by themselves once the postmaster is gone; the data folder is free only then."""
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, "server processes outlived the postmaster"
        time.sleep(0.02)
