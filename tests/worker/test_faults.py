"""What a worker, a server and a receiver can do to a job at the worst moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import psycopg
import pytest
from between import answers, free_port, line_to, transaction_pooler
from receivers import http_server, mail_server
from worker_processes import HANDLERS, PATIENCE, Queue, Workers, prepare, wait_for

from dbkit.config import Config
from dbkit.postgres import Database, open_server
from dbkit.postgres.local import LocalServer
from dbkit.recipe import project_recipe

SHORT = {"data_import": 1, "bulk_price_update": 1}
# Where two workers look for expired leases: one that is alive, though it gets no processor for seconds, keeps its own.
UNHURRIED = "update core.job_types set lease_seconds = 6 where job_type = 'data_import'"


@pytest.fixture
def queue(core_db: Database) -> Queue:
    """Leases of a second, so that a dead worker's jobs come back soon."""
    return prepare(core_db, SHORT)


def test_a_job_of_a_killed_worker_is_done_by_another_one(queue: Queue, workers: Workers) -> None:
    job = queue.enqueue("data_import", name="n1", gate="go")
    first = workers.start()
    workers.until_noted("began n1 1")
    first.kill()
    assert queue.job(job)["status"] == "processing"
    workers.open("go")
    second = workers.start()
    done = queue.until(job, "completed")
    assert done["retry_count"] == 1  # the lost attempt counts as a failure
    assert workers.notes == ["began n1 1", "began n1 2", "ended n1 2"]
    second.until("job_completed")


@pytest.mark.parametrize("reaches_the_server", [True, False])
def test_a_worker_killed_while_it_reports(queue: Queue, workers: Workers, reaches_the_server: bool) -> None:
    """Either the report arrived and the job is never run again, or it did not and the lease's rules apply."""
    queue.admin("update core.job_types set lease_seconds = 300")  # no heartbeat comes in between
    job = queue.enqueue("data_import", name="n1", gate="go")
    first = workers.start()
    workers.until_noted("began n1 1")
    with psycopg.connect(queue.database.conninfo) as holder:
        # The worker's report has to wait for this transaction.
        holder.execute("select from core.job_leases for update")
        workers.open("go")
        workers.until_noted("ended n1 1")
        blocked = (
            "select pid from pg_stat_activity where application_name = 'dbkit worker' and wait_event_type = 'Lock'"
        )
        wait_for(lambda: bool(queue.admin(blocked)))
        first.kill()
        if not reaches_the_server:
            queue.admin(f"select pg_terminate_backend(pid) from ({blocked}) as waiting")
    # What the dead worker sent is done by its server process, or never.
    wait_for(lambda: not queue.admin("select from pg_stat_activity where application_name = 'dbkit worker'"))
    queue.admin("update core.job_leases set lease_until = now()")
    second = workers.start()
    second.until("worker_started")
    done = queue.until(job, "completed")
    if reaches_the_server:
        assert done["retry_count"] == 0
        assert workers.notes == ["began n1 1", "ended n1 1"]
    else:
        assert done["retry_count"] == 1
        assert workers.notes == ["began n1 1", "ended n1 1", "began n1 2", "ended n1 2"]
    second.terminate()
    assert second.left() == 0


def test_a_long_job_keeps_its_lease(queue: Queue, workers: Workers) -> None:
    queue.admin(UNHURRIED)
    job = queue.enqueue("data_import", name="n1", gate="go")
    first = workers.start()
    second = workers.start()
    workers.until_noted("began n1 1")
    # More than a lease's time, with two workers looking for expired ones.
    expiries = {queue.job(job)["lease_expires_at"]}
    wait_for(lambda: expiries.add(queue.job(job)["lease_expires_at"]) or len(expiries) > 4)
    workers.open("go")
    done = queue.until(job, "completed")
    assert done["retry_count"] == 0
    assert workers.notes == ["began n1 1", "ended n1 1"]
    for worker in (first, second):
        worker.terminate()
        assert worker.left() == 0


def test_a_running_job_that_is_cancelled_stops_and_is_not_completed(queue: Queue, workers: Workers) -> None:
    """Claimed in one batch with another job, which goes on; the worker has one thread, so the third was not begun."""
    queue.admin("update core.job_types set lease_seconds = 2 where job_type = 'batch_email'")
    long, other = queue.enqueue_all("batch_email", [{"name": "long"}, {"name": "unbegun"}])
    worker = workers.start("--concurrency", "1")
    workers.until_noted("began long 1")
    assert queue.job(long)["status"] == "processing"
    # Both at once: a worker that heard of the first alone would begin the other.
    both = "select told.status from unnest(%s::uuid[]) as one (id), core.platform_cancel_job(one.id) as told"
    assert queue.admin(both, [long, other]) == [("cancelled",), ("cancelled",)]
    last = queue.enqueue("data_import", name="last")
    workers.until_noted("stopped long 1")
    assert str(long) in {one["job"] for one in worker.until("job_cancelled")}
    queue.until(last, "completed")
    worker.terminate()
    assert worker.left() == 0
    assert {one["job"] for one in worker.named("job_completed")} == {str(last)}
    assert [queue.job(one)["status"] for one in (long, other)] == ["cancelled", "cancelled"]
    assert "began unbegun 1" not in workers.notes


def test_a_job_cancelled_before_its_worker_hears_of_it_is_not_told_as_completed(queue: Queue, workers: Workers) -> None:
    """Both of a batch end at once, long before a heartbeat, and are reported as a whole; and one that is alone."""
    kept, gone = queue.enqueue_all("data_import", [{"name": "kept", "gate": "both"}, {"name": "gone", "gate": "both"}])
    worker = workers.start("--concurrency", "2")
    for name in ("kept", "gone"):
        workers.until_noted(f"began {name} 1")
    queue.admin("select core.platform_cancel_job(%s)", gone)
    workers.open("both")
    queue.until(kept, "completed")
    alone = queue.enqueue("data_import", name="alone", gate="alone")
    workers.until_noted("began alone 1")
    queue.admin("select core.platform_cancel_job(%s)", alone)
    workers.open("alone")
    workers.until_noted("ended alone 1")
    worker.terminate()
    assert worker.left() == 0
    assert {one["job"] for one in worker.named("job_completed")} == {str(kept)}
    assert {one["job"] for one in worker.named("job_cancelled")} == {str(gone), str(alone)}
    assert worker.named("lease_lost") == []
    assert worker.named("worker_stopped")[0]["completed"] == 1
    assert [queue.job(one)["status"] for one in (kept, gone, alone)] == ["completed", "cancelled", "cancelled"]


def test_a_stale_workers_result_is_refused(queue: Queue, workers: Workers) -> None:
    """The worker is stopped as a whole (a paused machine); its job runs elsewhere; then it wakes up."""
    job = queue.enqueue("data_import", name="n1", gate="first")
    stale = workers.start()
    workers.until_noted("began n1 1")
    stale.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: bool(queue.admin("select core.requeue_expired_leases()")[0][0]))
    workers.open("first")
    workers.drain()
    done = queue.job(job)
    assert (done["status"], done["retry_count"]) == ("completed", 1)
    stale.process.send_signal(signal.SIGCONT)
    assert [one["job"] for one in stale.until("lease_lost")] == [str(job)]
    assert queue.job(job) == done
    assert stale.named("job_completed") == []
    # It goes on with other jobs.
    queue.until(queue.enqueue("data_import", name="n2"), "completed")


def test_a_job_that_kills_its_worker_ends_as_failed_and_does_not_stop_the_others(
    queue: Queue, workers: Workers
) -> None:
    queue.admin("update core.job_types set max_retries = 1 where job_type = 'bulk_price_update'")
    poison = queue.enqueue("bulk_price_update", name="poison")
    good = queue.enqueue_all("data_import", [{"name": f"n{number}"} for number in range(10)])
    deaths = 0
    while queue.job(poison)["status"] != "failed":
        # A supervisor that starts it again, as the machine's init does.
        worker = workers.start("--concurrency", "1")
        wait_for(lambda: worker.process.poll() is not None or queue.job(poison)["status"] == "failed")  # noqa: B023
        if worker.process.poll() is None:
            break
        assert worker.left() == -signal.SIGKILL
        deaths += 1
        assert deaths < 5
    assert deaths == 2
    for job in good:
        queue.until(job, "completed")


def test_mail_waits_for_a_server_that_is_down(queue: Queue, workers: Workers) -> None:
    job = queue.enqueue("send_email", to="ann@example.test", subject="Rent", text="It is due.")
    port = str(free_port())
    settings = {"DBKIT_SMTP_HOST": "127.0.0.1", "DBKIT_SMTP_SECURITY": "none", "DBKIT_SMTP_SENDER": "a@example.test"}
    queue.admin("update core.job_types set backoff_minutes = '{60}' where job_type = 'send_email'")
    workers.drain(DBKIT_SMTP_PORT=port, **settings)
    waiting = queue.job(job)
    assert (waiting["status"], waiting["retry_count"]) == ("pending", 1)
    assert waiting["error_message"].startswith("the SMTP server cannot be reached")
    with mail_server() as mailbox:
        queue.admin("select core.platform_cancel_job(%s)", job)
        queue.admin("select core.platform_retry_job(%s)", job)  # due at once
        settings["DBKIT_SMTP_HOST"] = "localhost"
        workers.drain(DBKIT_SMTP_PORT=str(mailbox.port), **settings)
        assert queue.job(job)["status"] == "completed"
        assert len(mailbox.messages) == 1


def test_a_webhook_that_hangs_holds_up_nobody(queue: Queue, workers: Workers) -> None:
    released = Event()
    workers.configure('[worker.webhook]\ntrusted_hosts = ["127.0.0.1"]\ntimeout = 0.5\n')
    queue.admin("update core.job_types set backoff_minutes = '{60}' where job_type = 'webhook_delivery'")
    with http_server() as receiver:
        receiver.before = lambda: released.wait(60) and None
        hangs = queue.enqueue("webhook_delivery", url=receiver.url, event="rent.due")
        good = queue.enqueue("data_import", name="n1")
        worker = workers.start("--concurrency", "2", DBKIT_WEBHOOK_SECRET="master")
        queue.until(good, "completed")
        worker.until("job_failed")
        released.set()
        waiting = queue.job(hangs)
        assert (waiting["status"], waiting["retry_count"]) == ("pending", 1)
        assert waiting["error_message"] == "the receiver took longer than 0.5 s"


def test_a_worker_outlives_its_connections(queue: Queue, workers: Workers) -> None:
    worker = workers.start()
    queue.until(queue.enqueue("data_import", name="n1"), "completed")
    job = queue.enqueue("data_import", name="n2", gate="go")
    workers.until_noted("began n2 1")
    queue.admin(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s and datname = current_database()",
        queue.login,
    )
    workers.open("go")
    done = queue.until(job, "completed")
    assert done["retry_count"] == 0
    worker.until("reconnected")
    queue.until(queue.enqueue("data_import", name="n3"), "completed")
    assert [note for note in workers.notes if note.startswith("began n2")] == ["began n2 1"]


def test_a_server_that_only_reads_is_not_stormed(queue: Queue, workers: Workers) -> None:
    worker = workers.start()
    queue.until(queue.enqueue("data_import", name="n1"), "completed")
    leave = "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s and datname = current_database()"
    queue.admin(f'alter role "{queue.login}" set default_transaction_read_only = on')
    try:
        queue.admin(leave, queue.login)
        worker.until("reconnected")
        time.sleep(4)  # a pause of 0.1 s every time would make over fifty attempts
        assert len(worker.named("reconnected")) < 12
    finally:
        queue.admin(f'alter role "{queue.login}" reset default_transaction_read_only')
    queue.until(queue.enqueue("data_import", name="n2"), "completed")
    before = len(worker.named("reconnected"))
    queue.admin(leave, queue.login)
    queue.until(queue.enqueue("data_import", name="n3"), "completed")
    assert len(worker.named("reconnected")) <= before + 2, "what works again is tried again at once"


def test_a_transaction_pooler_between_worker_and_server_changes_nothing(queue: Queue, workers: Workers) -> None:
    queue.admin(UNHURRIED)
    resets = ("server_round_robin = 1", "server_reset_query = discard all", "server_reset_query_always = 1")
    with transaction_pooler(queue.database.conninfo, *resets, login=queue.login) as conninfo:
        started = [workers.start("--concurrency", "2", conninfo=conninfo) for _ in range(2)]
        slow = queue.enqueue("data_import", name="slow", gate="go")
        jobs = queue.enqueue_all("data_import", [{"name": f"n{number}"} for number in range(60)])
        workers.until_noted("began slow 1")
        expiries = {queue.job(slow)["lease_expires_at"]}
        wait_for(lambda: expiries.add(queue.job(slow)["lease_expires_at"]) or len(expiries) > 3)
        workers.open("go")
        for job in (slow, *jobs):
            assert queue.until(job, "completed")["retry_count"] == 0
        # Nobody listens in a server process that the pooler hands on.
        assert queue.admin("select 1 from pg_stat_activity where query like 'listen%%'") == []
        for worker in started:
            worker.terminate()
            assert worker.left() == 0
            assert worker.named("disconnected") == []


@pytest.mark.parametrize("grace", [["--grace", "0.5"], ["--grace", "60"]])
def test_a_server_that_falls_silent_keeps_no_worker_from_stopping(
    queue: Queue, workers: Workers, grace: list[str]
) -> None:
    """The grace is for jobs that run, and here there is none."""
    with line_to(queue.worker_conninfo) as line:
        worker = workers.start(*grace, conninfo=line.conninfo)
        worker.until("worker_started")
        line.silent.set()
        time.sleep(2)  # it asks for work by now, and gets no answer
        worker.terminate()
        assert worker.process.wait(PATIENCE) == 0
    assert worker.named("worker_stopped")


def test_a_log_without_room_or_reader_loses_no_job(queue: Queue, workers: Workers) -> None:
    jobs = queue.enqueue_all("data_import", [{"name": "n1"}, {"name": "n2"}])
    command = [sys.executable, "-m", "dbkit", "worker", "--handlers", "jobs_of_tests", "--concurrency", "1"]
    environment = {**os.environ, "DBKIT_DATABASE_URL": queue.worker_conninfo}
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*command, "--drain"], cwd=workers.folder, env=environment, stdout=full, stderr=subprocess.PIPE,
                text=True, check=False, timeout=PATIENCE,
            )  # fmt: skip
        assert [queue.job(job)["status"] for job in jobs] == ["completed"] * 2, done.stderr
    job = queue.enqueue("data_import", name="n3", gate="go")
    with subprocess.Popen(
        command, cwd=workers.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        workers.until_noted("began n3 1")
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        workers.open("go")  # its end cannot be told
        assert process.wait(PATIENCE) == 2
        assert process.stderr.read() == ""
    assert (queue.job(job)["status"], queue.job(job)["retry_count"]) == ("completed", 0)


@pytest.fixture
def own_server(config: Config, tmp_path: Path) -> Iterator[tuple[LocalServer, Workers]]:
    """A server of its own that a test may kill, with a worker's project."""
    recipe = project_recipe(config, seeds="production")
    with open_server(config, recipe) as server, server.template(recipe).clone() as database, ExitStack() as stack:
        if not isinstance(server, LocalServer):
            pytest.skip("only a server of this machine can be killed")
        (tmp_path / "jobs_of_tests.py").write_text(HANDLERS)
        (tmp_path / "dbkit.toml").write_text("")
        queue = prepare(database)
        # What a disposable server does without: a commit that was confirmed survives a crash.
        queue.admin(f'alter database "{database.name}" set synchronous_commit = on')
        yield server, Workers(queue, tmp_path, stack)


def start_again(server: LocalServer) -> None:
    """The same cluster after its crash; what the killed server left says "ready", so the answer is waited for."""

    server._launch()
    wait_for(lambda: answers(server.conninfo()))


def test_a_worker_outlives_a_crash_of_the_server(own_server: tuple[LocalServer, Workers]) -> None:
    server, workers = own_server
    queue = workers.queue
    queue.admin("checkpoint")
    jobs = queue.enqueue_all("data_import", [{"name": f"n{number}", "gate": "go"} for number in range(4)])
    worker = workers.start()
    for number in range(4):
        workers.until_noted(f"began n{number} 1")
    server._terminate(signal.SIGKILL)
    workers.open("go")
    worker.until("disconnected")
    assert worker.process.poll() is None
    start_again(server)
    for job in jobs:
        done = queue.until(job, "completed")
        assert done["retry_count"] == 0
    assert len([note for note in workers.notes if note.startswith("began")]) == 4
    queue.until(queue.enqueue("data_import", name="after"), "completed")
    worker.terminate()
    assert worker.left() == 0


def test_a_worker_without_a_server_can_still_be_stopped(own_server: tuple[LocalServer, Workers]) -> None:
    server, workers = own_server
    worker = workers.start("--grace", "0.2")
    worker.until("worker_started")
    server._terminate(signal.SIGKILL)
    worker.until("disconnected")
    worker.terminate()
    assert worker.left() == 0
    start_again(server)
