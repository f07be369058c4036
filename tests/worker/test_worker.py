"""The worker end to end: what it claims, runs, reports, logs, and how it stops."""

from __future__ import annotations

import re
import signal

import pytest
from receivers import http_server, mail_server
from standardwebhooks.webhooks import Webhook
from worker_processes import NORTH, Process, Queue, Workers, wait_for

from dbkit.worker.handlers.webhook import tenant_secret
from dbkit.worker.loop import AHEAD_SECONDS, Worker


def test_a_batch_runs_end_to_end_under_a_login_without_table_rights(queue: Queue, workers: Workers) -> None:
    rights = """
        select c.oid::regclass::text
          from pg_class c
         where c.relnamespace = 'core'::regnamespace and c.relkind in ('r', 'p') and has_table_privilege(%s, c.oid, %s)
    """
    assert queue.admin(rights, queue.login, "insert, update, delete, truncate") == []
    # The list of job types is everybody's to read; events only those of the tenant in the context.
    assert sorted(queue.admin(rights, queue.login, "select")) == [("core.job_types",), ("core.outbox_events",)]
    jobs = queue.enqueue_all("data_import", [{"name": f"n{number}"} for number in range(30)])
    worker = workers.drain()
    assert sorted(workers.notes) == sorted(f"{word} n{number} 1" for number in range(30) for word in ("began", "ended"))
    for number, job in enumerate(jobs):
        done = queue.job(job)
        assert done["status"] == "completed"
        assert done["result"] == {"name": f"n{number}", "tenant": str(NORTH)}
    assert {one["job"] for one in worker.named("job_completed")} == set(map(str, jobs))
    assert worker.named("worker_stopped")[0]["completed"] == 30


def test_mail_webhook_and_invoice_jobs_are_done_by_one_worker(queue: Queue, workers: Workers) -> None:
    invoice = {
        "number": "7",
        "issued_on": "2026-11-01",
        "currency": "EUR",
        "seller": {"name": "N"},
        "buyer": {"name": "B"},
    }
    invoice["lines"] = [{"description": "Rent", "quantity": 1, "unit_price": 800}]
    with mail_server() as mailbox, http_server() as receiver:
        workers.configure('[worker.webhook]\ntrusted_hosts = ["127.0.0.1"]\n')
        mail = queue.enqueue("send_email", to="ann@example.test", subject="Rent", text="It is due.")
        hook = queue.enqueue("webhook_delivery", url=f"{receiver.url}/hook", event="rent.due", data={"amount": 800})
        pdf = queue.enqueue("generate_invoice_pdf", invoice=invoice)
        workers.drain(
            DBKIT_SMTP_HOST="localhost",
            DBKIT_SMTP_PORT=str(mailbox.port),
            DBKIT_SMTP_SECURITY="none",
            DBKIT_SMTP_SENDER="billing@example.test",
            DBKIT_WEBHOOK_SECRET="master",
        )
        assert {queue.job(job)["status"] for job in (mail, hook, pdf)} == {"completed"}
        ((recipients, _),) = mailbox.messages
        assert recipients == ["ann@example.test"]
        (request,) = receiver.requests
        Webhook(tenant_secret("master", NORTH)).verify(request.body, request.headers)
    result = queue.job(pdf)["result"]
    assert (workers.folder / "invoices" / result["file"]).read_bytes().startswith(b"%PDF-")


def test_jobs_without_a_handler_are_left_to_other_workers(queue: Queue, workers: Workers) -> None:
    other = queue.enqueue("send_sms", to="+4912345678")
    own = queue.enqueue("data_import", name="own")
    workers.drain()
    assert queue.job(own)["status"] == "completed"
    assert queue.job(other)["status"] == "pending"


def test_several_workers_run_each_job_once(queue: Queue, workers: Workers) -> None:
    queue.enqueue_all("data_import", [{"name": f"n{number}"} for number in range(300)])
    started = [workers.start("--drain") for _ in range(3)]
    assert [worker.left() for worker in started] == [0, 0, 0]
    began = [note for note in workers.notes if note.startswith("began")]
    assert len(began) == len(set(began)) == 300
    assert queue.admin("select status, count(*) from core.job_queue group by 1") == [("completed", 300)]


def test_a_notification_wakes_an_idle_worker(queue: Queue, workers: Workers) -> None:
    # With an hour between looks, nothing but the notification can start this job once the worker has gone quiet.
    workers.configure("[worker]\npoll = 3600\n")
    worker = workers.start()
    worker.until("worker_started")
    quiet = """
        select 1 from pg_stat_activity where application_name = 'dbkit worker' and state_change < now() - interval '3 s'
    """
    wait_for(lambda: bool(queue.admin(quiet)))
    job = queue.enqueue("data_import", name="n1")
    queue.until(job, "completed")


def test_a_worker_that_cannot_listen_polls(queue: Queue, workers: Workers) -> None:
    worker = workers.start("--no-listen")
    worker.until("worker_started")
    assert queue.admin("select 1 from pg_stat_activity where application_name = 'dbkit worker (listen)'") == []
    queue.until(queue.enqueue("data_import", name="n1"), "completed")


@pytest.mark.parametrize(
    ("kind", "status", "attempts", "error"),
    [
        ("raise", "failed", 4, "ValueError: spoilt"),
        ("permanent", "failed", 1, "never"),
        ("later", "pending", 1, "not now"),
        ("exit", "failed", 4, "SystemExit: 3"),
        ("result", "failed", 4, "TypeError"),
        ("null", "failed", 4, "ValueError"),
    ],
)
def test_a_handler_that_fails(
    queue: Queue, workers: Workers, kind: str, status: str, attempts: int, error: str
) -> None:
    bad = queue.enqueue("data_export", kind=kind, name="bad")
    good = queue.enqueue("data_import", name="good")
    workers.drain()
    assert queue.job(good)["status"] == "completed"
    failed = queue.job(bad)
    assert failed["status"] == status
    assert failed["error_message"].startswith(error)
    assert [note for note in workers.notes if "bad" in note] == [f"began bad {n}" for n in range(1, attempts + 1)]
    if kind == "later":
        ((waits,),) = queue.admin(
            "select scheduled_at > now() + interval '110 min' from core.job_queue where id = %s", bad
        )
        assert waits


def test_nothing_of_a_payload_gets_into_the_log_or_the_error(queue: Queue, workers: Workers) -> None:
    job = queue.enqueue(
        "data_export", kind="quote", password="s3cr3t", card={"number": 4242424242424242}, note="Ann's letter"
    )
    worker = workers.drain()
    for text in ("".join(worker.text), queue.job(job)["error_message"]):
        for secret in ("s3cr3t", "4242424242424242", "letter"):
            assert secret not in text
    assert queue.job(job)["error_message"].startswith("ValueError: cannot use ")
    assert queue.job(job)["payload"]["password"] == "s3cr3t"


def usual_seconds(worker: Process) -> float:
    """What a job takes by the worker's own reckoning; one that was held up by the machine weighs for a while."""
    usual = Worker._usual_seconds
    for one in worker.named("job_completed"):
        usual += (one["seconds"] - usual) / (2 if usual > 1 else 12)
    return usual


def test_sigterm_lets_running_jobs_finish_and_hands_back_the_rest(queue: Queue, workers: Workers) -> None:
    worker = workers.start("--concurrency", "2", "--batch", "6")
    # Quick jobs first, so that the worker claims ahead of its threads.
    while usual_seconds(worker) > AHEAD_SECONDS / 3:
        for job in queue.enqueue_all("data_import", [{"name": f"quick{number}"} for number in range(30)]):
            queue.until(job, "completed")
    jobs = queue.enqueue_all("data_import", [{"name": f"n{number}", "gate": "go"} for number in range(6)])
    workers.until_noted("began n0 1")
    workers.until_noted("began n1 1")
    worker.terminate()
    worker.until("job_handed_back", 4)
    workers.open("go")
    assert worker.left() == 0
    assert [queue.job(job)["status"] for job in jobs] == ["completed"] * 2 + ["pending"] * 4
    assert {queue.job(job)["retry_count"] for job in jobs} == {0}
    # What was handed back is due at once, and this was no failure.
    workers.drain()
    assert {queue.job(job)["status"] for job in jobs} == {"completed"}
    assert all(note.endswith(" 1") for note in workers.notes)


def test_a_job_that_outlasts_the_grace_is_handed_back(queue: Queue, workers: Workers) -> None:
    job = queue.enqueue("data_import", name="n1", gate="go")
    worker = workers.start("--grace", "0.2")
    workers.until_noted("began n1 1")
    worker.terminate()
    assert worker.left() == 0
    assert [one["job"] for one in worker.named("job_handed_back")] == [str(job)]
    assert (queue.job(job)["status"], queue.job(job)["retry_count"]) == ("pending", 0)


def test_a_worker_holds_no_slow_job_back_from_others(queue: Queue, workers: Workers) -> None:
    busy = workers.start("--concurrency", "2")
    jobs = queue.enqueue_all("data_import", [{"name": f"n{number}", "gate": "go"} for number in range(3)])
    workers.until_noted("began n0 1")
    workers.until_noted("began n1 1")
    assert queue.job(jobs[2])["status"] == "pending"
    workers.start("--concurrency", "1")
    workers.until_noted("began n2 1")
    workers.open("go")
    for job in jobs:
        queue.until(job, "completed")
    assert {one["job"] for one in busy.until("job_completed", 2)} == {str(job) for job in jobs[:2]}


def test_a_second_sigterm_ends_the_waiting(queue: Queue, workers: Workers) -> None:
    job = queue.enqueue("data_import", name="n1", gate="go")
    worker = workers.start("--grace", "3600")
    workers.until_noted("began n1 1")
    worker.terminate()
    worker.until("stopping")
    worker.process.send_signal(signal.SIGINT)
    assert worker.left() == 0
    assert queue.job(job)["status"] == "pending"


def test_a_handler_over_its_time_fails_and_the_worker_goes_on(queue: Queue, workers: Workers) -> None:
    queue.admin("update core.job_types set max_retries = 0 where job_type = 'inventory_sync'")
    hangs = queue.enqueue("inventory_sync", name="hangs")
    good = queue.enqueue("data_import", name="good")
    workers.drain("--concurrency", "2")
    assert queue.job(good)["status"] == "completed"
    failed = queue.job(hangs)
    assert failed["status"] == "failed"
    assert failed["error_message"] == "the handler took longer than 0.3 s"


def test_a_worker_whose_threads_all_hang_leaves_and_says_so(queue: Queue, workers: Workers) -> None:
    queue.enqueue_all("inventory_sync", [{"name": "one"}, {"name": "two"}])
    worker = workers.start("--concurrency", "2")
    assert worker.left() == 2
    assert "error: handlers hang in every thread" in "".join(worker.text)


def test_the_text_log_says_what_happened_in_one_line(queue: Queue, workers: Workers) -> None:
    job = queue.enqueue("data_import", name="n1")
    worker = workers.drain("--format", "text")
    (line,) = (line for line in worker.text if "job completed" in line)
    assert re.search(
        rf"job completed job={job} type=data_import tenant={NORTH} attempt=1 seconds=\d+\.\d+$", line.strip()
    )


def test_a_platform_job_has_no_tenant(queue: Queue, workers: Workers) -> None:
    job = queue.admin("select core.enqueue_for(null, 'data_import', '{\"name\": \"all\"}')")[0][0]
    workers.drain()
    assert queue.job(job)["result"] == {"name": "all", "tenant": "None"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--handlers", "no.such"], "error: cannot import handlers: no.such"),
        (["--handlers", "json"], "error: no handlers in json"),
        (["--queue", "nightly"], "error: no such queue: nightly"),
        (["--concurrency", "0"], "error: invalid value for '--concurrency'"),
        (["--database", "host=/nowhere dbname=x"], "error: cannot connect to the database"),
    ],
)
def test_what_cannot_run_is_said_at_once(workers: Workers, arguments: list[str], message: str) -> None:
    worker = workers.start(*arguments)
    assert worker.left() == 2
    assert message in "".join(worker.text)
    assert "hint: " in "".join(worker.text)


def test_a_login_that_may_not_claim_is_told_what_to_grant(queue: Queue, workers: Workers) -> None:
    worker = workers.start(conninfo=queue.operator_conninfo)
    assert worker.left() == 2
    assert 'hint: Run as a DBA: grant app_worker to "test_operator"' in "".join(worker.text)


@pytest.mark.parametrize(
    ("toml", "fragment"),
    [
        ("[worker]\nconcurency = 2\n", "Did you mean concurrency?"),
        ("[worker.email]\npassword = 'x'\n", "unknown setting in dbkit.toml: password"),
        ("[worker.email]\nsecurity = 'ssl'\n", "bad value of the mail server's security"),
        ("[worker.webhook]\ntimeout = 'long'\n", "bad value in dbkit.toml: worker.webhook.timeout"),
        ("[worker]\nconcurrency = 0\n", "bad value in dbkit.toml: worker.concurrency"),
    ],
)
def test_a_setting_that_is_wrong_is_an_error(workers: Workers, toml: str, fragment: str) -> None:
    workers.configure(toml)
    worker = workers.start()
    assert worker.left() == 2
    assert fragment in "".join(worker.text)
