"""A server that is older than what dbkit knows is refused by name; the oldest one that it knows is not."""

from __future__ import annotations

import pytest

from dbkit.conninfo import refuse_old_server
from dbkit.errors import DbkitError


@pytest.mark.parametrize(("version", "major"), [(90624, 9), (140023, 14), (149999, 14)])
def test_older_servers(version: int, major: int) -> None:
    with pytest.raises(DbkitError, match=rf"server is too old: PostgreSQL {major}\n") as caught:
        refuse_old_server(version)
    assert "15 or newer" in str(caught.value.detail)


@pytest.mark.parametrize("version", [150000, 150018, 180000])
def test_servers_that_will_do(version: int) -> None:
    refuse_old_server(version)
