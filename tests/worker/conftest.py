"""A queue and workers of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from worker_processes import HANDLERS, Queue, Workers, prepare

from dbkit.postgres import Database


@pytest.fixture
def queue(core_db: Database) -> Queue:
    return prepare(core_db)


@pytest.fixture
def workers(queue: Queue, tmp_path: Path) -> Iterator[Workers]:
    (tmp_path / "jobs_of_tests.py").write_text(HANDLERS)
    (tmp_path / "dbkit.toml").write_text("")
    with ExitStack() as stack:
        yield Workers(queue, tmp_path, stack)
