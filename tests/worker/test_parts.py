"""The worker's parts by themselves: the pool of threads, the pace of looking, what is kept out of logs, handlers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

import pytest

from dbkit.errors import DbkitError
from dbkit.worker.job import Job, JobError, Outcome, PermanentError
from dbkit.worker.log import make_log
from dbkit.worker.pool import Pool
from dbkit.worker.registry import Handler, find_handlers
from dbkit.worker.secrets import as_job_error, masked_payload, scrub
from dbkit.worker.wakeup import ALERT_PAUSE, DEAF_PAUSE, SHORTEST, Backoff, Pace


def job(kind: str = "wait", payload: Mapping[str, Any] | None = None, lease: int = 1) -> Job:
    return Job(uuid4(), lease, uuid4(), kind, payload or {})


@pytest.fixture
def told() -> SimpleQueue[Outcome]:
    return SimpleQueue()


def pool_of(told: SimpleQueue[Outcome], size: int = 1, timeout: float = 60, **handlers: Any) -> Pool:
    pool = Pool({kind: Handler(kind, work, timeout) for kind, work in handlers.items()}, size, told.put, ("hunter22",))
    pool.start()
    return pool


# ----- the pool ------------------------------------------------------------------------------------------------------


def test_what_a_handler_returns_or_raises_is_told(told: SimpleQueue[Outcome]) -> None:
    def refuse(_job: Job) -> None:
        raise PermanentError("no")

    pool = pool_of(told, wait=lambda one: {"id": str(one.id)}, refuse=refuse)
    good, bad = job(), job("refuse")
    pool.submit([good, bad])
    first, second = told.get(timeout=30), told.get(timeout=30)
    assert (first.job, first.result, first.error) == (good, {"id": str(good.id)}, None)
    assert second.job == bad
    assert second.error is not None and not second.error.retryable


def test_a_cancelled_job_is_told_to_stop_or_never_begun(told: SimpleQueue[Outcome]) -> None:
    began: list[Job] = []

    def wait(one: Job) -> None:
        began.append(one)
        while not one.cancelled:
            time.sleep(0.01)

    pool = pool_of(told, wait=wait, quick=lambda _job: None)
    running, waiting, last = job(), job(), job("quick")
    pool.submit([running, waiting, last])
    while not began:
        time.sleep(0.01)
    assert not pool.cancel(waiting)
    assert pool.cancel(running)
    assert [told.get(timeout=30).job for _ in range(2)] == [running, last]
    assert (began, pool.stuck) == ([running], 0)


def test_jobs_not_begun_are_taken_back_and_never_run(told: SimpleQueue[Outcome]) -> None:
    go = threading.Event()
    pool = pool_of(told, wait=lambda _job: go.wait(30) and None)
    jobs = [job() for _ in range(3)]
    pool.submit(jobs)
    while len(pool.running()) < 1:
        time.sleep(0.001)
    assert pool.take_back() == jobs[1:]
    go.set()
    assert told.get(timeout=30).job == jobs[0]
    assert told.empty()


def test_a_forgotten_attempt_is_not_run_or_not_heard_and_its_next_one_is(told: SimpleQueue[Outcome]) -> None:
    go = threading.Event()
    pool = pool_of(told, wait=lambda one: go.wait(30) and {"lease": one.lease})
    running, waiting = job(), job()
    again = Job(waiting.id, 2, waiting.tenant_id, waiting.type, {})
    pool.submit([running, waiting])
    while pool.running() != [running]:
        time.sleep(0.001)
    pool.forget(waiting)
    pool.forget(running)
    assert pool.stuck == 1
    pool.submit([again])
    go.set()
    assert told.get(timeout=30).result == {"lease": 2}
    while pool.stuck:
        time.sleep(0.001)
    assert told.empty()


def test_a_handler_over_its_time_is_given_up_and_its_thread_replaced(told: SimpleQueue[Outcome]) -> None:
    go = threading.Event()
    pool = pool_of(told, timeout=0.01, hang=lambda _job: go.wait(30) and None, quick=lambda _job: None)
    hanging, quick = job("hang"), job("quick")
    pool.submit([hanging])
    late: list[Outcome] = []
    while not late:
        late = pool.overdue()
    assert [(one.job, one.error and one.error.message) for one in late] == [
        (hanging, "the handler took longer than 0.01 s")
    ]
    pool.submit([quick])
    assert told.get(timeout=30).job == quick
    go.set()
    while pool.stuck:
        time.sleep(0.001)
    assert told.empty()


# ----- the pace ------------------------------------------------------------------------------------------------------


def test_an_idle_worker_looks_less_and_less_often() -> None:
    pace = Pace(1.0, listening=True)
    pauses = [pace.empty() for _ in range(12)]
    assert pauses[0] <= SHORTEST * 1.2
    assert max(pauses) <= ALERT_PAUSE * 1.2  # there was work a moment ago
    pace._alert_until = 0
    assert 0.8 <= [pace.empty() for _ in range(12)][-1] <= 1.2
    pace.busy()
    assert pace.empty() <= SHORTEST * 1.2


def test_a_worker_that_nobody_wakes_looks_more_often() -> None:
    pace = Pace(1.0)
    pace._alert_until = 0
    assert [pace.empty() for _ in range(20)][-1] <= DEAF_PAUSE * 1.2


def test_a_server_is_tried_again_at_growing_pauses() -> None:
    backoff = Backoff()
    pauses = [backoff.next() for _ in range(12)]
    assert pauses[0] <= 0.1
    assert 5 <= pauses[-1] <= 10
    backoff.reset()
    assert backoff.next() <= 0.1


# ----- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "message", "said"),
    [
        ({"password": "abcd"}, "login abcd failed", "login *** failed"),
        ({"nested": [{"api_key": 12345}]}, "key 12345", "key ***"),
        ({"to": "ann@example.test"}, "550 <ann@example.test> unknown", "550 <***> unknown"),
        ({"mode": "open"}, "cannot open it", "cannot open it"),
        ({"text": "first line\nsecond line"}, "at 'second line'", "at '***'"),
        ({"note": "it's a tab\there"}, repr({"note": "it's a tab\there"}), "{'note': \"***\"}"),
        ({"note": "Grüße, Ann"}, json.dumps(["Grüße, Ann"]), '["***"]'),
        ({}, "login at postgresql://u:pw@host/db with hunter22", "login at postgresql://u:***@host/db with ***"),
        ({}, "null \0 and \ud800", "null and ?"),
    ],
)
def test_the_payload_is_taken_out_of_messages(payload: dict[str, Any], message: str, said: str) -> None:
    assert scrub(message, job(payload=payload), ("hunter22",)) == said


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert scrub("a\nb " * 2000, job()).count("\n") == 0
    assert len(scrub("ab " * 2000, job())) == 1000


def test_an_unknown_exception_is_named_and_tried_again() -> None:
    error = as_job_error(KeyError("hunter22"), job(), ("hunter22",))
    assert error.message == "KeyError: '***'"
    assert error.retryable
    later = as_job_error(JobError("wait", retry_after=5), job())
    assert (later.message, later.retry_after) == ("wait", 5)


def test_a_shown_payload_hides_what_keys_call_a_secret() -> None:
    payload = {
        "to": "ann",
        "author": "bob",
        "Password": "x",
        "auth": {"user": "y"},
        "list": [{"token": 1}],
        "pin": None,
    }
    assert masked_payload(payload) == {
        "to": "ann", "author": "bob", "Password": "***", "auth": "***", "list": [{"token": "***"}], "pin": None,
    }  # fmt: skip


# ----- handlers and the log ------------------------------------------------------------------------------------------


def test_a_projects_handler_takes_over_from_ours(tmp_path: Path) -> None:
    (tmp_path / "own_handlers_of_a_test.py").write_text(
        "from dbkit.worker import handler\n@handler('send_email', timeout=7)\ndef mail(job): return None\n"
    )
    ours = Handler("send_email", lambda _job: None)
    other = Handler("send_alert", lambda _job: None)
    found = find_handlers([ours, other], ["own_handlers_of_a_test"], tmp_path)
    assert found["send_email"].timeout == 7
    assert found["send_email"].origin == "module own_handlers_of_a_test"
    assert found["send_alert"] is other


def test_a_module_that_fails_to_import_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken_handlers_of_a_test.py").write_text("import no_such_module_anywhere\n")
    with pytest.raises(DbkitError) as caught:
        find_handlers([], ["broken_handlers_of_a_test"], tmp_path)
    assert caught.value.message == "cannot import handlers: broken_handlers_of_a_test"
    assert "no_such_module_anywhere" in (caught.value.detail or "")


def test_a_log_line_is_json_or_words() -> None:
    for output_format in ("json", "text"):
        stream = StringIO()
        make_log(output_format, stream)("job_failed", job=1, error="two words\nand a line", tenant=None, seconds=0.5)
        (line,) = stream.getvalue().splitlines()
        if output_format == "json":
            document = json.loads(line)
            assert {key: document[key] for key in document if key != "at"} == {
                "event": "job_failed", "job": 1, "error": "two words\nand a line", "seconds": 0.5,
            }  # fmt: skip
        else:
            assert line.endswith('job failed job=1 error="two words\\nand a line" seconds=0.500')
