"""The database that the tests of backups save, restore and deploy to."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

__all__ = ["PEOPLE", "Production"]

PEOPLE = 40


@dataclass(frozen=True)
class Production:
    """A database with 40 people, each the owner of a tenant.

    Attributes:
        admin: conninfo of the superuser.
        backup: conninfo of dbkit_backup.
        migrator: conninfo of dbkit_migrator, which row security binds.
    """

    admin: str
    backup: str
    migrator: str

    def run(self, *statements: str) -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            return connection.execute(query).fetchall()
