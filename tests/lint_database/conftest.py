"""A server that keeps its data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbkit.config import Config
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer


@pytest.fixture(scope="session")
def durable_server(config: Config) -> Iterator[LocalServer]:
    """A server with the settings of one that is meant to stay, and replication slots."""
    server = LocalServer.start(
        choose_binaries(config),
        fsync="on",
        full_page_writes="on",
        synchronous_commit="on",
        autovacuum="on",
        wal_level="logical",
    )
    try:
        yield server
    finally:
        server.stop()
