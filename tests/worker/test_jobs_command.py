"""dbkit jobs: what an operator sees and changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from worker_processes import NORTH, Queue, Workers

from dbkit.worker import operate
from dbkit.worker.handlers.webhook import tenant_secret

SECRET = "s3cr3t-of-ann"


def run(
    queue: Queue, *arguments: str, conninfo: str | None = None, secret: str = ""
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DBKIT_", "PG"))}
    done = subprocess.run(
        [sys.executable, "-m", "dbkit", "jobs", *arguments],
        env={**inherited, "DBKIT_DATABASE_URL": conninfo or queue.operator_conninfo, "DBKIT_WEBHOOK_SECRET": secret},
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


def rows(queue: Queue, *arguments: str) -> list[dict[str, Any]]:
    done = run(queue, *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["jobs"]
    return found


@pytest.fixture
def failed(queue: Queue, workers: Workers) -> UUID:
    """A job that failed for good."""
    job = queue.enqueue("data_export", kind="permanent", password=SECRET)
    workers.drain()
    assert queue.job(job)["status"] == "failed"
    return job


def test_jobs_are_listed_by_state_type_and_tenant(queue: Queue, failed: UUID) -> None:
    pending = queue.enqueue("data_import", name="n1")
    assert {row["id"] for row in rows(queue, "list")} == {str(failed), str(pending)}
    assert [row["id"] for row in rows(queue, "list", "--status", "failed")] == [str(failed)]
    assert [row["id"] for row in rows(queue, "list", "--type", "data_import")] == [str(pending)]
    assert len(rows(queue, "list", "--tenant", str(NORTH))) == 2
    assert rows(queue, "list", "--tenant", str(uuid4())) == []
    assert rows(queue, "list", "--queue", "other") == []
    assert len(rows(queue, "list", "--limit", "1")) == 1


def test_completed_jobs_are_listed_when_asked_for(queue: Queue, workers: Workers) -> None:
    done = queue.enqueue("data_import", name="n1")
    workers.drain()
    pending = queue.enqueue("data_import", name="n2")
    assert [row["id"] for row in rows(queue, "list")] == [str(pending)]
    assert [row["id"] for row in rows(queue, "list", "--all")] == [str(pending), str(done)]
    assert [row["id"] for row in rows(queue, "list", "--status", "completed")] == [str(done)]


def test_the_list_for_people_shows_the_error_and_no_payload(queue: Queue, failed: UUID) -> None:
    done = run(queue, "list")
    heading, line = done.stdout.splitlines()
    assert heading.split()[:3] == ["id", "job_type", "status"]
    assert line.startswith(f"{failed}  data_export  failed")
    assert "never" in line
    assert SECRET not in done.stdout
    assert run(queue, "list", "--queue", "other").stdout == "no jobs\n"


def test_a_job_is_shown_without_its_secrets_unless_asked(queue: Queue, failed: UUID) -> None:
    for output_format in ("text", "json"):
        shown = run(queue, "show", str(failed), "--format", output_format)
        assert shown.returncode == 0
        assert SECRET not in shown.stdout
        assert '"***"' in shown.stdout
        assert SECRET in run(queue, "show", str(failed), "--reveal", "--format", output_format).stdout


def test_a_failed_job_is_retried(queue: Queue, failed: UUID) -> None:
    done = run(queue, "retry", str(failed))
    assert (done.returncode, done.stdout) == (0, f"{failed}  data_export  pending\n")
    assert queue.job(failed)["status"] == "pending"


def test_all_failed_jobs_of_a_type_are_retried_and_no_others(queue: Queue, failed: UUID) -> None:
    assert rows(queue, "retry", "--failed", "--type", "data_import") == []
    assert queue.job(failed)["status"] == "failed"
    assert [row["id"] for row in rows(queue, "retry", "--failed", "--type", "data_export")] == [str(failed)]
    assert queue.job(failed)["status"] == "pending"


def test_a_pending_job_is_cancelled_and_can_come_back(queue: Queue, workers: Workers) -> None:
    job = queue.enqueue("data_import", name="n1")
    assert rows(queue, "cancel", str(job)) == [{"id": str(job), "job_type": "data_import", "status": "cancelled"}]
    workers.drain()
    assert workers.notes == []
    assert run(queue, "retry", str(job)).returncode == 0
    workers.drain()
    assert queue.job(job)["status"] == "completed"


def test_a_refusal_in_the_middle_shows_what_was_done_before(queue: Queue, failed: UUID) -> None:
    pending = queue.enqueue("data_import", name="n1")
    done = run(queue, "retry", str(failed), str(pending), "--format", "json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert [row["id"] for row in document["jobs"]] == [str(failed)]
    assert document["error"] == f"cannot retry job {pending}"
    assert queue.job(failed)["status"] == "pending"


def test_two_operators_retry_the_same_failed_jobs(queue: Queue, workers: Workers) -> None:
    jobs = queue.enqueue_all("data_export", [{"kind": "permanent"}] * 3)
    workers.drain()
    found = operate.failed_ids(queue.operator_conninfo, operate.Filter())
    assert sorted(found) == sorted(jobs)
    assert run(queue, "retry", str(found[0])).returncode == 0  # somebody was quicker
    retried = [row["id"] for row in operate.change(queue.operator_conninfo, "retry", found, found=True)]
    assert retried == found[1:]
    assert {queue.job(job)["status"] for job in jobs} == {"pending"}


@pytest.mark.parametrize("action", ["show", "retry", "cancel"])
def test_a_job_that_is_not_there_is_an_error(queue: Queue, action: str) -> None:
    missing = uuid4()
    done = run(queue, action, str(missing))
    assert done.returncode == 2
    assert f"error: no such job: {missing}" in done.stderr
    assert "hint: Run: dbkit jobs list" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retry"], "error: which jobs to retry is not clear"),
        (["cancel"], "error: missing argument"),
        (["show", "x"], "error: invalid value for 'JOB'"),
        (["list", "--status", "lost"], "error: invalid value for '--status'"),
    ],
)
def test_bad_input_is_said(queue: Queue, arguments: list[str], message: str) -> None:
    done = run(queue, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_login_without_the_role_is_told_what_to_grant(queue: Queue) -> None:
    for arguments in (("list",), ("stats",), ("show", str(uuid4()))):
        done = run(queue, *arguments, conninfo=queue.worker_conninfo)
        assert done.returncode == 2
        assert 'hint: Run as a DBA: grant app_platform_admin to "test_worker"' in done.stderr


def test_a_database_without_the_queue_says_so(queue: Queue) -> None:
    with queue.database.server.database() as empty:
        done = run(queue, "list", conninfo=empty.conninfo)
    assert done.returncode == 2
    assert "error: no queue in this database" in done.stderr


def test_stats_count_what_waits_and_what_failed(queue: Queue, failed: UUID) -> None:
    queue.enqueue_all("data_import", [{"name": "n1"}, {"name": "n2"}])
    by_type = {row["job_type"]: row for row in rows(queue, "stats")}
    assert by_type["data_import"]["ready"] == 2
    assert by_type["data_export"]["failed"] == 1
    assert "data_import" in run(queue, "stats").stdout


def test_a_tenants_webhook_secret_is_what_its_deliveries_are_signed_with(queue: Queue) -> None:
    done = run(queue, "webhook-secret", str(NORTH))
    assert done.returncode == 2
    assert "error: no webhook secret is configured" in done.stderr
    done = run(queue, "webhook-secret", str(NORTH), secret="new, old")
    assert done.stdout.split() == [tenant_secret("new", NORTH), tenant_secret("old", NORTH)]
