"""The cases of tests/leak/corpus: read them, apply their SQL, run their attacks.

A case is a folder in the layout that `make bench-leak` reads, and an attack.sql: what the attacker runs as its login.
It prints "LEAK …" where isolation fails and "CONTROL OK" where the attacker still reaches its own rows, so it proves
without dbkit that the case is what it says. Where it watches another session, victim.sql is what that one runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from dbkit.postgres import Database, Server
from dbkit.sqltext import split

CORPUS = Path(__file__).parent / "corpus"

_ROLES = "select rolname from pg_roles where rolname !~ '^pg_'"


@dataclass(frozen=True)
class Case:
    """One folder; `facts` is its case.toml."""

    name: str
    facts: dict[str, Any]

    @property
    def folder(self) -> Path:
        return CORPUS / self.name

    @property
    def leaky(self) -> bool:
        return bool(self.facts["leak"])

    @property
    def has_fix(self) -> bool:
        return (self.folder / "fix.sql").exists()

    @property
    def schema(self) -> list[str]:
        return self._statements("schema.sql")

    @property
    def repaired_schema(self) -> list[str]:
        return self.schema + self._statements("fix.sql")

    @property
    def attack(self) -> list[str]:
        return self._statements("attack.sql")

    @property
    def victim(self) -> list[str]:
        return self._statements("victim.sql") if (self.folder / "victim.sql").exists() else []

    def _statements(self, file: str) -> list[str]:
        return [statement.text for statement in split((self.folder / file).read_text(encoding="utf-8"))]


def read_cases() -> list[Case]:
    """Every case by name."""
    return [
        Case(path.parent.name, tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(CORPUS.glob("*/case.toml"))
    ]


@contextmanager
def applied(server: Server, statements: list[str]) -> Iterator[Database]:
    """A database made by the statements; it and the roles they made are gone afterwards."""
    before = {name for (name,) in server.admin(_ROLES)}
    with server.database() as database:
        try:
            with psycopg.connect(database.conninfo, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement.encode(), prepare=False)
            yield database
        finally:
            server.admin(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
                f" where database = '{database.name}' and not active"
            )
            server.drop_database(database.name)
            for (name,) in server.admin(_ROLES):
                if name not in before:
                    server.admin(f'drop role "{name}"')


def attacked(database: Database, case: Case) -> str:
    """What the attack prints: first column of every row, and notifications. A refused statement prints its message."""
    printed = []
    conninfo = database.server.conninfo(database.name, case.facts["connect_as"])
    with psycopg.connect(conninfo, autocommit=True) as other, psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in case.victim:
            other.execute(statement.encode(), prepare=False)
        connection.add_notify_handler(lambda told: printed.append(f"{told.channel} {told.payload}"))
        for statement in case.attack:
            try:
                cursor = connection.execute(statement.encode(), prepare=False)
            except psycopg.Error as error:
                printed.append(f"refused: {error.diag.message_primary}")
                continue
            if cursor.description is not None:
                printed += [str(row[0]) for row in cursor.fetchall()]
    return "\n".join(printed)
