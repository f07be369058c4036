"""Check every name of a declaration against the catalog; a name that does not exist is an error that says what does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from dbkit.errors import DbkitError
from dbkit.tenancy.declaration import Declaration
from dbkit.tenancy.relations import Relations, Table

__all__ = ["Names"]


class Names:
    """The declared names of one file, looked up in one database."""

    def __init__(self, declaration: Declaration, relations: Relations) -> None:
        self.declaration = declaration
        self.relations = relations

    def check(self) -> None:
        declaration = self.declaration
        for role in declaration.app_roles:
            self._require("app role", role, self.relations.roles, "app_roles")
        for sample in declaration.samples:
            if sample.login:
                self._require("login role", sample.login, self.relations.roles, "samples")
        for key in ("shared", "internal"):
            for name in getattr(declaration, key):
                self.table(name, key)
        for key in ("tables", "user_tables"):
            for name, column in getattr(declaration, key).items():
                self.column(self.table(name, key), column, key)
        for scope in declaration.scopes:
            for name, column in scope.tables.items():
                self.column(self.table(name, f"scopes.{scope.name}.tables"), column, f"scopes.{scope.name}.tables")
        schemas = {table.schema for table in self.relations.tables.values()}
        for schema in declaration.schemas:
            self._require("schema", schema, schemas, "schemas")
        all_columns = {column for table in self.relations.base_tables for column in table.columns}
        for schema, column in declaration.schemas.items():
            names = {name for table in self.relations.base_tables if table.schema == schema for name in table.columns}
            self._require(f"column in schema {schema}", column, names, "schemas")
        for column in declaration.columns:
            self._require("column", column, all_columns, "columns")
        for function in declaration.definers:
            self._require("function", function.split("(")[0], self.relations.functions, "definers")
        for key in ("values", "crossing"):
            for path in getattr(declaration, key):
                table_name, _, column = path.rpartition(".")
                self.column(self.table(table_name, key), column, key)

    def table(self, name: str, key: str) -> Table:
        """The table of a declared name; without a schema it must be the only one of that name."""
        found = self.relations.tables.get(name)
        if found is None and "." not in name:
            same = [table for table in self.relations.tables.values() if table.name == name]
            found = same[0] if len(same) == 1 else None
        if found is None:
            self._require("table", name, self.relations.tables, key)
            raise AssertionError("unreachable: _require raises for a missing table")
        return found

    def column(self, table: Table, column: str, key: str) -> None:
        self._require(f"column of {table.qualified}", column, table.columns, key)

    def _require(self, what: str, name: str, known: Iterable[str], key: str) -> None:
        names = list(known)
        if name in names:
            return
        by_last = {candidate.rpartition(".")[2]: candidate for candidate in names}
        near = difflib.get_close_matches(name, names, n=1) or [
            by_last[last] for last in difflib.get_close_matches(name.rpartition(".")[2], by_last, n=1)
        ]
        raise DbkitError(
            f"{what} does not exist: {name}",
            detail=f"{self.declaration.source}: {key} names it, the database does not have it.",
            hint=f'Did you mean "{near[0]}"?' if near else "Correct the name or remove it from the declaration.",
        )
