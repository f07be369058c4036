"""Fixtures of the migration tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from migration_project import LAYOUTS, Project

from dbkit.config import Config, MigrationsConfig
from dbkit.postgres import Database


@pytest.fixture
def project(tmp_path: Path, database: Database) -> Project:
    """An empty folder and an empty database; locks time out quickly, and a runner that goes is waited for."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    settings = MigrationsConfig(dir="migrations", lock_timeout="400ms", lock_retries=1)
    return Project(folder, database, Config(root=tmp_path, migrations=settings))


@pytest.fixture
def layout(database: Database, tmp_path: Path) -> Callable[[str], Project]:
    """A project over one of the foreign layouts in tests/fixtures/layouts."""

    def open_layout(name: str) -> Project:
        settings = MigrationsConfig(lock_timeout="400ms", lock_retries=1)
        return Project(LAYOUTS / name, database, Config(root=tmp_path, migrations=settings))

    return open_layout
