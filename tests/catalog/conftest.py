"""The kitchen of the session's server, and its snapshot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kitchen_sink import kitchen_template

from dbkit.catalog import Snapshot, snapshot
from dbkit.postgres import Server, Template


@pytest.fixture(scope="session")
def kitchen(server: Server) -> Template:
    return kitchen_template(server)


@pytest.fixture(scope="session")
def before(kitchen: Template) -> Iterator[Snapshot]:
    """The kitchen before anything is changed."""
    with kitchen.clone() as clone:
        yield snapshot(clone.conninfo)
