"""The picture of the database that the replayed statements leave, without a database.

It is a minimum on purpose: what the rules ask. A table that was not seen created is taken to exist with unknown
columns, so that a single file can be judged without its history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import combinations
from typing import TYPE_CHECKING

from dbkit.lint.files import LintFile
from dbkit.lint.model import Column, Constraint, Function, Index, Key, Origin, Table, View, label
from dbkit.lint.trees import relation, relations_in
from dbkit.parse import Node, Statement

if TYPE_CHECKING:
    from dbkit.lint.timeouts import Lockings

__all__ = ["Effects", "State"]


class Effects:
    """What one file did, for rules that judge when the file is through."""

    def __init__(self) -> None:  # in a third of the time that fourteen default factories take
        self.tables: list[Table] = []
        self.columns: list[tuple[Table, Column]] = []
        self.constraints: list[tuple[Table, Constraint]] = []
        self.foreign_keys: list[tuple[Table, Constraint]] = []  # of the constraints
        self.checks: list[tuple[Table, Constraint]] = []  # of the constraints
        self.indexes: list[tuple[Table, Index]] = []  # also those of keys
        self.secured: dict[Table, Origin] = {}  # row security or policies touched, and where first
        self.dropped_functions: set[Key] = set()
        self.functions: dict[tuple[Key, tuple[str, ...]], None] = {}  # made or altered, in order
        self.views: dict[Key, None] = {}  # made or altered, in order
        self.dropped_constraints: list[tuple[Table, Constraint]] = []
        self.lost_indexes: set[Key] = set()  # that went with a column
        self.lockings: Lockings | None = None  # worked out by `timeouts` when a rule asks
        self.assumed: dict[Key, Origin] = {}  # tables it changes that nothing before it created


class State:
    """The tables as the statements applied so far leave them."""

    def __init__(self) -> None:
        self.tables: dict[Key, Table] = {}
        self.effects: dict[LintFile, Effects] = {}
        self.views: dict[Key, View] = {}
        self.functions: dict[Key, dict[tuple[str, ...], Function]] = {}  # by name, then by argument types
        self.schemas: dict[str, LintFile] = {}  # those a statement created, and where
        self.roles: dict[LintFile, frozenset[str]] = {}  # those each file creates, worked out when a rule asks
        self.enums: set[Key] = set()
        self.lock_orders: dict[tuple[str, str], LintFile] = {}  # table locked before table, and where first
        self.locked: dict[LintFile, list[tuple[str, ...]]] = {}  # what its transactions added to those orders
        self.triggers: dict[Key, list[Key]] = {}  # trigger function -> tables
        self.functions_closed = False  # ALTER DEFAULT PRIVILEGES took EXECUTE from PUBLIC
        self.domains: dict[Key, tuple[str, bool]] = {}  # the type a domain is over, and whether it has constraints
        self.required: set[Key] = set()  # domains that are not null and have no default
        self.types: dict[Key, LintFile] = {}  # enums, domains and other types, and where they were created
        self.created: dict[Key, LintFile] = {}  # the file that created each table first
        self.at: tuple[LintFile, Statement] | None = None  # the statement that is replayed
        # Tables, views and indexes that were dropped or got another name, and by what.
        self.gone: dict[Key, tuple[LintFile, Statement] | None] = {}
        self._by_name: dict[str, list[Key]] = {}
        self._index_tables: dict[Key, Key] = {}

    # -- asking -------------------------------------------------------------------------------------------------------

    def key(self, node: Node) -> Key:
        """Full name of a RangeVar; without a schema a temporary table, then public's, then the only one so named."""
        schema, name = node.get("schemaname"), node["relname"]
        return self.resolve(None, name) if schema is None else (schema, name)

    def new_key(self, node: Node) -> Key:
        """Full name of the table that CREATE makes of a RangeVar, whatever tables of that name other schemas have."""
        schema, name = relation(node)
        return ("pg_temp" if node.get("relpersistence") == "t" else schema or "public", name)

    def name(self, node: Node) -> str:
        """A RangeVar as people write it."""
        return label(self.key(node))

    def find(self, node: Node) -> Table | None:
        """The table a RangeVar names, or None where the replay has not seen it created."""
        table = self.tables.get(self.key(node))
        return table if table and table.known else None

    def is_new(self, node: Node, file: LintFile) -> bool:
        """Whether this very file created the table (or it is a temporary one), so that locking it hurts nobody."""
        if node.get("schemaname") == "pg_temp":
            return True
        table = self.tables.get(self.key(node))
        if table is None:
            return False
        # Of one LIKE, or a partition of, a table that was never seen the columns are not known.
        made = table.known or self.created.get(table.key) is table.origin.file
        return made and (table.temporary or table.origin.file is file)

    def is_alive(self, table: Table) -> bool:
        """Whether a table seen earlier still exists."""
        return self.tables.get(table.key) is table

    def index_table(self, parts: list[str]) -> Table | None:
        """The table an index named in DROP INDEX or ALTER INDEX belongs to."""
        key = self._index_key(parts)
        return self.tables.get(self._index_tables[key]) if key in self._index_tables else None

    def index_keys(self) -> Collection[Key]:
        """Full names of the indexes."""
        return self._index_tables.keys()

    # -- changing -----------------------------------------------------------------------------------------------------

    def object_key(self, parts: list[str]) -> Key:
        """Full name of a function or another object that is no table; `public` where no schema is written."""
        return (parts[-2] if len(parts) > 1 else "public", parts[-1])

    def effects_of(self, file: LintFile) -> Effects:
        """What the file did so far."""
        effects = self.effects.get(file)
        if effects is None:
            effects = self.effects[file] = Effects()
        return effects

    def lock_in_order(self, file: LintFile, tables: tuple[str, ...]) -> None:
        """Know the order in which a transaction of a file locks tables."""
        if len(tables) > 1:
            self.locked.setdefault(file, []).append(tables)
            for pair in combinations(tables, 2):
                self.lock_orders.setdefault(pair, file)

    def resolve(self, schema: str | None, name: str) -> Key:
        """The full name a written one stands for; see `key`."""
        if schema is not None:
            return schema, name
        for candidate in (("pg_temp", name), ("public", name)):
            if candidate in self.tables:
                return candidate
        keys = self._by_name.get(name, ())
        return keys[0] if len(keys) == 1 else ("public", name)

    def _index_key(self, parts: list[str]) -> Key:
        if len(parts) > 1:
            return parts[-2], parts[-1]
        keys = [key for key in self._index_tables if key[1] == parts[-1]]
        return keys[0] if len(keys) == 1 else ("public", parts[-1])

    def keys_read(self, tree: object) -> tuple[Key, ...]:
        """Full names of the tables and views a tree names, each once."""
        return self.keys_of(relations_in(tree))

    def keys_of(self, relations: Iterable[Node]) -> tuple[Key, ...]:
        """Full names of what RangeVars name, each once."""
        return tuple(dict.fromkeys([self.key(node) for node in relations]))

    def mention(self, node: Node, origin: Origin) -> Table:
        """The table a RangeVar names; one that was never seen is remembered as existing with unknown columns."""
        key = self.key(node)
        table = self.tables.get(key)
        if table is None:
            table = self.add(Table(key, "table", origin, known=False))
            self.effects_of(origin.file).assumed[key] = origin
        return table

    def add(self, table: Table) -> Table:
        """Know a table under its key."""
        self.tables[table.key] = table
        self.gone.pop(table.key, None)
        keys = self._by_name.setdefault(table.key[1], [])
        if table.key not in keys:
            keys.append(table.key)
        return table

    def create(self, table: Table) -> Table:
        """Add a table that a statement of its origin's file creates."""
        self.created.setdefault(table.key, table.origin.file)
        self.effects_of(table.origin.file).tables.append(table)
        return self.add(table)

    def remove(self, key: Key) -> None:
        """Forget a table and its indexes."""
        self.gone[key] = self.at
        table = self.tables.pop(key, None)
        if table is None:
            return
        self._by_name[key[1]].remove(key)
        for index in table.indexes:
            self._forget_index((key[0], index))

    def add_index(self, table: Table, index: Index) -> None:
        """Give a table an index."""
        table.indexes[index.name] = index
        self.effects_of(index.origin.file).indexes.append((table, index))
        self._know_index(table, index.name)

    def copy_index(self, table: Table, index: Index) -> None:
        """Give a table a copy of another table's index: no work of the file that copies it."""
        table.indexes[index.name] = index
        self._know_index(table, index.name)

    def drop_index(self, table: Table, name: str) -> None:
        """Take an index from its table."""
        if table.indexes.pop(name, None) is not None:
            self._forget_index((table.key[0], name))

    def _know_index(self, table: Table, name: str) -> None:
        key = (table.key[0], name)
        self._index_tables[key] = table.key
        self.gone.pop(key, None)

    def _forget_index(self, key: Key) -> None:
        self._index_tables.pop(key, None)
        self.gone[key] = self.at

    def move(self, table: Table, key: Key) -> None:
        """Rename a table; foreign keys follow it."""
        old = table.key
        indexes = list(table.indexes.values())
        self.remove(old)
        table.key = key
        self.add(table)
        for index in indexes:
            self.add_index(table, index)
        for other in self.tables.values():
            for constraint in other.foreign_keys():
                if constraint.target == old:
                    constraint.target = key
