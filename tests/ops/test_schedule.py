"""When a job is due: reading the schedule, no server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dbkit.errors import DbkitError
from dbkit.ops.cron import Job, due_slot, next_slot

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday


def job(
    schedule: str, *, last: datetime | None = None, created: datetime | None = None, enabled: bool = True,
    installed: bool = True, ended: bool = True,
) -> Job:  # fmt: skip
    return Job(
        "job", "core", schedule, "sql", "select core.f()", "core.f", enabled, installed, "",
        created or NOON - timedelta(days=30), last, last if ended else None, ended if last else None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "last", "slot"),
    [
        ("* * * * *", NOON - timedelta(minutes=1), NOON),
        ("* * * * *", NOON, None),  # this slot is done
        ("*/5 * * * *", NOON - timedelta(minutes=4, seconds=59), NOON),
        ("30 * * * *", NOON - timedelta(minutes=29), None),  # ran at 11:31
        ("30 * * * *", NOON - timedelta(minutes=31), NOON - timedelta(minutes=30)),
        ("0 0 * * *", NOON - timedelta(days=3), NOON - timedelta(hours=12)),  # three missed midnights are one run
        ("0 3 1 * *", NOON - timedelta(days=2), NOON - timedelta(days=1, hours=9)),
        ("0 6 * * 1", NOON - timedelta(days=7), NOON - timedelta(hours=6)),
        ("0 6 * * mon", NOON - timedelta(days=7), NOON - timedelta(hours=6)),
        ("0 6 * * 0", NOON - timedelta(hours=20), None),  # Sunday 6:00 is before it
        ("0 6 * * 7", NOON - timedelta(hours=40), NOON - timedelta(hours=30)),  # 7 is Sunday too
        # day of month and day of week both given: either, as cron has it
        ("0 0 15 * 1", NOON - timedelta(days=1), NOON - timedelta(hours=12)),
    ],
)
def test_due(schedule: str, last: datetime, slot: datetime | None) -> None:
    assert due_slot(job(schedule, last=last), NOON) == slot


def test_a_job_that_never_ran_is_due_from_its_first_slot_on() -> None:
    midnight = NOON.replace(hour=0)
    assert due_slot(job("0 0 * * *", created=NOON - timedelta(hours=1)), NOON) is None
    assert due_slot(job("0 0 * * *", created=midnight - timedelta(seconds=1)), NOON) == midnight


def test_a_job_that_is_off_or_not_installed_is_never_due() -> None:
    for off in (job("* * * * *", enabled=False), job("* * * * *", installed=False)):
        assert due_slot(off, NOON) is None
        assert next_slot(off, NOON) is None
    assert due_slot(job("* * * * *"), NOON) == NOON
    assert next_slot(job("* * * * *"), NOON) == NOON + timedelta(minutes=1)


def test_a_run_that_did_not_end_leaves_the_job_due() -> None:
    assert due_slot(job("0 12 * * *", last=NOON), NOON) is None
    assert due_slot(job("0 12 * * *", last=NOON, ended=False), NOON) == NOON


def test_a_leap_day_comes_in_four_years() -> None:
    assert next_slot(job("0 0 29 2 *"), NOON) == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "61 * * * *", "0 0 * *", "a b c d e"])
def test_a_schedule_that_never_comes_is_named(schedule: str) -> None:
    with pytest.raises(DbkitError, match="schedule of job job cannot be read"):
        next_slot(job(schedule), NOON)
