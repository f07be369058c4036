"""What doctor says of point-in-time recovery: each setting wrong is reported, right is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from production import Production

from dbkit.backup.archiving import Archiving, examine, judge

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
GOOD = Archiving("replica", "on", "test ! -f /a/%f && cp %p /a/%f", "", NOW - timedelta(minutes=5), None, None, NOW)


def noted(found: Archiving) -> list[str]:
    return [check.subject.removeprefix("PITR: ") for check in judge(found) if check.status != "ok"]


def test_a_server_that_archives_has_no_notes() -> None:
    assert noted(GOOD) == []
    assert len(list(judge(GOOD))) == 4


@pytest.mark.parametrize(
    ("found", "subject"),
    [
        (replace(GOOD, wal_level="minimal"), "wal_level"),
        (replace(GOOD, mode="off"), "archive_mode"),
        (replace(GOOD, last_archived=None), "archive"),
        (replace(GOOD, last_archived=NOW - timedelta(hours=3)), "archive"),
        (replace(GOOD, last_failed=NOW - timedelta(minutes=1), failed_file="0001"), "archive"),
        (replace(GOOD, last_archived=None, last_failed=NOW, failed_file="0001"), "archive"),
    ],
)
def test_each_wrong_setting_is_reported(found: Archiving, subject: str) -> None:
    assert noted(found) == [subject]


def test_a_failure_that_was_made_good_is_forgotten() -> None:
    assert noted(replace(GOOD, last_failed=NOW - timedelta(minutes=10), failed_file="0001")) == []


@pytest.mark.parametrize(
    "command",
    [
        "",
        "  ",
        "true",
        "/bin/true",
        ":",
        "exit 0",
        "cp %p /archive/%f",
        "cp -p %p /archive/%f",
        "gzip < %p | cat > /archive/%f.gz; cp x y",
        "rsync -a %p backup:/archive/%f",
        "scp %p backup:/archive/%f",
        'copy "%p" "C:\\archive\\%f"',
        "gzip < %p > /archive/%f.gz",
        "zstd -q -f %p -o /archive/%f.zst",
        "lz4 -f %p /archive/%f.lz4",
        "test ! -f /archive/%f; cp %p /archive/%f",
        "test ! -f /archive/%f || cp %p /archive/%f",
        "(true)",
        "true # until the new archive is there",
        "cd . ",
        "logger archived",
        "echo %p is archived",
    ],
)
def test_a_command_that_loses_or_overwrites_is_reported(command: str) -> None:
    assert noted(replace(GOOD, command=command)) == ["archive_command"]


@pytest.mark.parametrize(
    "command",
    [
        "test ! -f /archive/%f && cp %p /archive/%f",
        "[ ! -f /archive/%f ] && cp %p /archive/%f",
        "cp -n %p /archive/%f",
        "cp --no-clobber %p /archive/%f",
        "rsync --ignore-existing %p backup:/archive/%f",
        "pgbackrest --stanza=app archive-push %p",
        "wal-g wal-push %p",
        "envdir /etc/wal-e.d/env wal-e wal-push %p",
        "barman-wal-archive backup app %p",
        "/usr/local/bin/archive.sh %p %f",
        "echo archiving %f && test ! -f /archive/%f && cp %p /archive/%f",
        "test ! -f /archive/%f && gzip < %p > /archive/%f",
        'if not exist "C:\\archive\\%f" copy "%p" "C:\\archive\\%f"',
        "wal-g wal-push %p >> /var/log/wal-g.log 2>&1",
        "set -o noclobber; gzip < %p > /archive/%f",
    ],
)
def test_a_command_that_keeps_what_is_there_is_fine(command: str) -> None:
    assert noted(replace(GOOD, command=command)) == []


def test_an_archive_library_needs_no_command() -> None:
    assert noted(replace(GOOD, command="", library="basic_archive")) == []


def test_a_real_server_is_read(production: Production) -> None:
    """The disposable servers archive nothing, and say so."""
    with psycopg.connect(production.backup) as connection:
        subjects = {check.subject: check.status for check in examine(connection)}
    assert subjects["PITR: archive_mode"] == "note"
