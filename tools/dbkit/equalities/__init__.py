"""The three equalities: declared tree, migrations and a live database say the same.

1. build(declared) = replay(all migrations): nobody forgot a migration or a declared file (`declared`).
2. before = up, then down, and up again works, for every migration: down sections are true (`reverts`).
3. a live database = replay up to its ledger: nobody changed production by hand (`live`).

Each takes snapshots of databases on a disposable server and gives what differs as findings.
"""

from __future__ import annotations

from dbkit.equalities.common import Outcome
from dbkit.equalities.declared import declared_equals_migrations
from dbkit.equalities.live import live_equals_migrations, read_ledger
from dbkit.equalities.reverts import every_migration_reverts

__all__ = [
    "Outcome",
    "declared_equals_migrations",
    "every_migration_reverts",
    "live_equals_migrations",
    "read_ledger",
]
