"""Replay statements into a picture of the database, without a database.

The picture is a minimum on purpose: what the rules ask. A statement it does not know changes nothing; a table it has
not seen created is taken to exist with unknown columns, so that a single file can be judged without its history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dbkit.lint.files import LintFile
from dbkit.lint.model import Column, Constraint, Index, Key, Origin, Policy, Table, label
from dbkit.lint.trees import column_type, commands, constraints_of, is_not_null, names, relation, role_name
from dbkit.parse import Node, Statement

__all__ = ["Effects", "State"]

_KINDS = {
    "CONSTR_PRIMARY": "primary",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_FOREIGN": "foreign",
    "CONSTR_CHECK": "check",
    "CONSTR_EXCLUSION": "exclude",
}
_SUFFIXES = {"primary": "pkey", "unique": "key", "foreign": "fkey", "check": "check", "exclude": "excl"}


@dataclass(slots=True)
class Effects:
    """What one file did, for rules that judge when the file is through."""

    tables: list[Table] = field(default_factory=list)
    columns: list[tuple[Table, Column]] = field(default_factory=list)
    constraints: list[tuple[Table, Constraint]] = field(default_factory=list)
    secured: dict[Table, Origin] = field(default_factory=dict)  # row security or policies touched, and where first
    assumed: dict[Key, Origin] = field(default_factory=dict)  # tables it changes that nothing before it created


class State:
    """The tables as the statements applied so far leave them."""

    def __init__(self) -> None:
        self.tables: dict[Key, Table] = {}
        self.effects: dict[LintFile, Effects] = {}
        self.created: dict[Key, LintFile] = {}  # the file that created each table first
        self._by_name: dict[str, list[Key]] = {}
        self._index_tables: dict[Key, Key] = {}

    # -- asking -------------------------------------------------------------------------------------------------------

    def key(self, node: Node) -> Key:
        """Full name of a RangeVar; without a schema a temporary table, then public's, then the only one so named."""
        schema, name = relation(node)
        return self._resolve(schema, name)

    def name(self, node: Node) -> str:
        """A RangeVar as people write it."""
        return label(self.key(node))

    def find(self, node: Node) -> Table | None:
        """The table a RangeVar names, or None where the replay has not seen it created."""
        table = self.tables.get(self.key(node))
        return table if table and table.known else None

    def is_new(self, node: Node, file: LintFile) -> bool:
        """Whether this very file created the table (or it is a temporary one), so that locking it hurts nobody."""
        table = self.tables.get(self.key(node))
        return table is not None and table.known and (table.temporary or table.origin.file is file)

    def is_alive(self, table: Table) -> bool:
        """Whether a table seen earlier still exists."""
        return self.tables.get(table.key) is table

    def index_table(self, parts: list[str]) -> Table | None:
        """The table an index named in DROP INDEX or ALTER INDEX belongs to."""
        key = self._index_key(parts)
        return self.tables.get(self._index_tables[key]) if key in self._index_tables else None

    # -- replaying ----------------------------------------------------------------------------------------------------

    def apply(self, statement: Statement, file: LintFile) -> None:
        """Replay one statement."""
        handler = _HANDLERS.get(statement.tag)
        if handler is not None:
            handler(self, statement, file)

    def effects_of(self, file: LintFile) -> Effects:
        effects = self.effects.get(file)
        if effects is None:
            effects = self.effects[file] = Effects()
        return effects

    def _resolve(self, schema: str | None, name: str) -> Key:
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

    def _table(self, node: Node, origin: Origin) -> Table:
        """The table a RangeVar names; one that was never seen is remembered as existing with unknown columns."""
        key = self.key(node)
        table = self.tables.get(key)
        if table is None:
            table = self._add(Table(key, "table", origin, known=False))
            self.effects_of(origin.file).assumed[key] = origin
        return table

    def _add(self, table: Table) -> Table:
        self.tables[table.key] = table
        keys = self._by_name.setdefault(table.key[1], [])
        if table.key not in keys:
            keys.append(table.key)
        return table

    def _create(self, table: Table) -> Table:
        self.created.setdefault(table.key, table.origin.file)
        self.effects_of(table.origin.file).tables.append(table)
        return self._add(table)

    def _remove(self, key: Key) -> None:
        table = self.tables.pop(key, None)
        if table is None:
            return
        self._by_name[key[1]].remove(key)
        for index in table.indexes:
            self._index_tables.pop((key[0], index), None)

    def _add_index(self, table: Table, index: Index) -> None:
        table.indexes[index.name] = index
        self._index_tables[table.key[0], index.name] = table.key

    # -- create -------------------------------------------------------------------------------------------------------

    def _create_table(self, statement: Statement, file: LintFile) -> None:
        node = statement.node
        if statement.tag == "CreateForeignTableStmt":
            node = node["base"]
        place = node["relation"]
        temporary = place.get("relpersistence") == "t"
        schema, name = relation(place)
        key = ("pg_temp", name) if temporary else (schema or "public", name)
        earlier = self.tables.get(key)
        if earlier is not None and earlier.known and node.get("if_not_exists"):
            return
        kind = "table"
        if statement.tag == "CreateForeignTableStmt":
            kind = "foreign"
        elif "partbound" in node:
            kind = "partition"
        elif "partspec" in node:
            kind = "partitioned"
        origin = Origin(file, statement.offset(place), statement.start)
        table = self._create(Table(key, kind, origin, temporary=temporary))
        for parent in node.get("inhRelations", ()):
            self._copy(table, self.tables.get(self.key(parent["RangeVar"])), everything="partbound" in node)
        late: list[Node] = []
        for element in node.get("tableElts", ()):
            if "ColumnDef" in element:
                self._add_column(table, element["ColumnDef"], statement, file)
            elif "Constraint" in element:
                late.append(element["Constraint"])
            elif "TableLikeClause" in element:
                clause = element["TableLikeClause"]
                source = self.tables.get(self.key(clause["relation"]))
                # CREATE_TABLE_LIKE_INDEXES is bit 6 of `options`.
                self._copy(table, source, everything=bool(clause.get("options", 0) & 0x40))
        for constraint in late:
            self._add_constraint(table, constraint, (), statement, file)

    def _copy(self, table: Table, source: Table | None, *, everything: bool) -> None:
        """Columns of LIKE, INHERITS and PARTITION OF; `everything` also brings keys and indexes."""
        if source is None or not source.known:
            table.known = table.known and source is not None
            return
        for column in source.columns.values():
            table.columns[column.name] = replace(column, origin=table.origin)
        if not everything:
            return
        for index in source.indexes.values():
            self._add_index(table, replace(index, name=f"{table.key[1]}_{index.name}", origin=table.origin))
        for constraint in source.constraints.values():
            if constraint.kind != "foreign":
                table.constraints[constraint.name] = replace(constraint, origin=table.origin)

    def _create_table_as(self, statement: Statement, file: LintFile) -> None:
        place = statement.node["into"]["rel"]
        temporary = place.get("relpersistence") == "t"
        schema, name = relation(place)
        key = ("pg_temp", name) if temporary else (schema or "public", name)
        kind = "matview" if statement.node.get("objtype") == "OBJECT_MATVIEW" else "table"
        table = Table(key, kind, Origin(file, statement.offset(place), statement.start), temporary=temporary)
        self._create(table)
        for target in statement.node.get("query", {}).get("SelectStmt", {}).get("targetList", ()):
            result = target["ResTarget"]
            field_names = names(result.get("val", {}).get("ColumnRef", {}).get("fields", ()))
            column = result.get("name") or (field_names[-1] if field_names else None)
            if column:
                table.columns[column] = Column(column, "", False, table.origin)

    def _add_column(self, table: Table, node: Node, statement: Statement, file: LintFile) -> None:
        origin = Origin(file, statement.offset(node), statement.start)
        column = Column(node["colname"], column_type(node), is_not_null(node), origin)
        table.columns[column.name] = column
        self.effects_of(file).columns.append((table, column))
        for constraint in constraints_of(node):
            self._add_constraint(table, constraint, (column.name,), statement, file)

    def _add_constraint(
        self, table: Table, node: Node, default_columns: tuple[str, ...], statement: Statement, file: LintFile
    ) -> None:
        kind = _KINDS.get(node["contype"])
        if kind is None:
            return
        columns = tuple(names(node.get("fk_attrs" if kind == "foreign" else "keys", ()))) or default_columns
        if node.get("indexname"):  # … USING INDEX: the constraint takes the index over, with its name
            index = table.indexes.pop(node["indexname"], None)
            columns = tuple(column for column in index.columns if column) if index else ()
        name = node.get("conname") or _generated_name(table, kind, columns)
        constraint = Constraint(
            name=name,
            kind=kind,
            columns=columns,
            valid=not node.get("skip_validation", False),
            origin=Origin(file, statement.offset(node), statement.start),
            target=self.key(node["pktable"]) if kind == "foreign" else None,
            target_columns=tuple(names(node.get("pk_attrs", ()))),
            on_delete=node.get("fk_del_action", "a"),
            on_delete_columns=tuple(names(node.get("fk_del_set_cols", ()))),
        )
        table.constraints[name] = constraint
        self.effects_of(file).constraints.append((table, constraint))
        if kind in ("primary", "unique"):
            self._add_index(table, Index(name, columns, True, constraint.origin))
        if kind == "primary":
            for column in columns:
                if column in table.columns:
                    table.columns[column].not_null = True

    def _create_index(self, statement: Statement, file: LintFile) -> None:
        node = statement.node
        origin = Origin(file, statement.start, statement.start)
        table = self._table(node["relation"], origin)
        columns = tuple(item["IndexElem"].get("name") for item in node.get("indexParams", ()))
        name = node.get("idxname") or _index_name(table, columns)
        if name in table.indexes and node.get("if_not_exists"):
            return
        index = Index(name, columns, node.get("unique", False), origin, node.get("accessMethod", "btree"))
        if "whereClause" in node:
            index.predicate = _not_null_columns(node["whereClause"])
        self._add_index(table, index)

    def _create_policy(self, statement: Statement, file: LintFile) -> None:
        node = statement.node
        origin = Origin(file, statement.start, statement.start)
        table = self._table(node["table"], origin)
        roles = tuple(role_name(role["RoleSpec"]) for role in node.get("roles", ()))
        command = node.get("cmd_name", "all")
        policy = Policy(node["policy_name"], command, node.get("permissive", False), roles, origin)
        table.policies[policy.name] = policy
        self.effects_of(file).secured.setdefault(table, origin)

    # -- alter --------------------------------------------------------------------------------------------------------

    def _alter_table(self, statement: Statement, file: LintFile) -> None:
        node = statement.node
        if node.get("objtype") not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
            return
        table = self._table(node["relation"], Origin(file, statement.start, statement.start))
        for command in commands(node):
            self._alter_table_command(table, command, statement, file)

    def _alter_table_command(self, table: Table, command: Node, statement: Statement, file: LintFile) -> None:
        what, name = command["subtype"], command.get("name", "")
        definition = command.get("def", {})
        column = table.columns.get(name)
        if what == "AT_AddColumn":
            node = definition["ColumnDef"]
            if not (command.get("missing_ok") and node["colname"] in table.columns):
                self._add_column(table, node, statement, file)
        elif what == "AT_AddConstraint":
            self._add_constraint(table, definition["Constraint"], (), statement, file)
        elif what == "AT_DropColumn":
            self._drop_column(table, name)
        elif what in ("AT_SetNotNull", "AT_DropNotNull") and column:
            column.not_null = what == "AT_SetNotNull"
        elif what == "AT_AlterColumnType" and column:
            column.type = column_type(definition["ColumnDef"])
        elif what == "AT_DropConstraint":
            table.constraints.pop(name, None)
            self._drop_index(table, name)
        elif what == "AT_ValidateConstraint" and name in table.constraints:
            table.constraints[name].valid = True
        elif what == "AT_AttachPartition":
            child = self._table(definition["PartitionCmd"]["name"], table.origin)
            child.kind = "partition"
        elif what in _ROW_SECURITY:
            attribute, value = _ROW_SECURITY[what]
            setattr(table, attribute, value)
            table.rls_origin = Origin(file, statement.start, statement.start)
            self.effects_of(file).secured.setdefault(table, table.rls_origin)

    def _drop_column(self, table: Table, column: str) -> None:
        table.columns.pop(column, None)
        for constraint in [item for item in table.constraints.values() if column in item.columns]:
            del table.constraints[constraint.name]
        for index in [item for item in table.indexes.values() if column in item.columns]:
            self._drop_index(table, index.name)

    def _drop_index(self, table: Table, name: str) -> None:
        table.indexes.pop(name, None)
        self._index_tables.pop((table.key[0], name), None)

    # -- drop, rename -------------------------------------------------------------------------------------------------

    def _drop(self, statement: Statement, file: LintFile) -> None:
        what = statement.node["removeType"]
        for item in statement.node.get("objects", ()):
            parts = names(item["List"]["items"]) if "List" in item else names([item])
            if what in ("OBJECT_TABLE", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"):
                self._remove(self._resolve(parts[-2] if len(parts) > 1 else None, parts[-1]))
            elif what == "OBJECT_INDEX":
                table = self.index_table(parts)
                if table is not None:
                    self._drop_index(table, parts[-1])
            elif what == "OBJECT_POLICY":
                key = self._resolve(parts[-3] if len(parts) > 2 else None, parts[-2])
                if key in self.tables:
                    self.tables[key].policies.pop(parts[-1], None)
                    origin = Origin(file, statement.start, statement.start)
                    self.effects_of(file).secured.setdefault(self.tables[key], origin)
            elif what == "OBJECT_SCHEMA":
                for key in [key for key in self.tables if key[0] == parts[-1]]:
                    self._remove(key)

    def _rename(self, statement: Statement, file: LintFile) -> None:
        node = statement.node
        what, new = node["renameType"], node.get("newname", "")
        if what == "OBJECT_SCHEMA":
            for table in [table for table in self.tables.values() if table.key[0] == node.get("subname")]:
                self._move(table, (new, table.key[1]))
            return
        if what == "OBJECT_INDEX" and "relation" in node:
            schema, old = relation(node["relation"])
            owner = self.index_table([schema, old] if schema else [old])
            if owner is not None and old in owner.indexes:
                index = owner.indexes[old]
                self._drop_index(owner, old)
                self._add_index(owner, replace(index, name=new))
            return
        table_node = node.get("relation")
        found = self.tables.get(self.key(table_node)) if table_node else None
        if found is None:
            return
        if what in ("OBJECT_TABLE", "OBJECT_MATVIEW"):
            self._move(found, (found.key[0], new))
        elif what == "OBJECT_COLUMN":
            self._rename_column(found, node["subname"], new)
        elif what == "OBJECT_TABCONSTRAINT" and node["subname"] in found.constraints:
            constraint = found.constraints.pop(node["subname"])
            constraint.name = new
            found.constraints[new] = constraint
        elif what == "OBJECT_POLICY" and node["subname"] in found.policies:
            found.policies[new] = replace(found.policies.pop(node["subname"]), name=new)

    def _rename_column(self, table: Table, old: str, new: str) -> None:
        if old in table.columns:
            table.columns[new] = table.columns.pop(old)
            table.columns[new].name = new
        for constraint in table.constraints.values():
            constraint.columns = tuple(new if column == old else column for column in constraint.columns)
        for index in table.indexes.values():
            index.columns = tuple(new if column == old else column for column in index.columns)

    def _move(self, table: Table, key: Key) -> None:
        old = table.key
        indexes = list(table.indexes.values())
        self._remove(old)
        table.key = key
        self._add(table)
        for index in indexes:
            self._add_index(table, index)
        for other in self.tables.values():
            for constraint in other.foreign_keys():
                if constraint.target == old:
                    constraint.target = key

    def _set_schema(self, statement: Statement, file: LintFile) -> None:
        node = statement.node
        if node.get("objectType") == "OBJECT_TABLE":
            table = self.tables.get(self.key(node["relation"]))
            if table is not None:
                self._move(table, (node["newschema"], table.key[1]))

    def _create_schema(self, statement: Statement, file: LintFile) -> None:
        """CREATE SCHEMA s CREATE TABLE t …: the elements stand in the schema."""
        schema = statement.node.get("schemaname")
        for element in statement.node.get("schemaElts", ()):
            tag, node = next(iter(element.items()))
            if schema and tag == "CreateStmt":
                node["relation"].setdefault("schemaname", schema)
            self.apply(replace(statement, tag=tag, node=node), file)


def _generated_name(table: Table, kind: str, columns: tuple[str, ...]) -> str:
    """The name PostgreSQL gives an unnamed constraint, but for truncation at 63 bytes."""
    middle = () if kind == "primary" else columns
    base = "_".join((table.key[1], *middle, _SUFFIXES[kind]))
    name, number = base, 0
    while name in table.constraints:
        number += 1
        name = f"{base}{number}"
    return name


def _index_name(table: Table, columns: tuple[str | None, ...]) -> str:
    base = "_".join((table.key[1], *(column or "expr" for column in columns), "idx"))
    name, number = base, 0
    while name in table.indexes:
        number += 1
        name = f"{base}{number}"
    return name


def _not_null_columns(predicate: Node) -> tuple[str, ...] | bool:
    """The columns of a predicate made of `column is not null` only; False for any other predicate."""
    if "BoolExpr" in predicate and predicate["BoolExpr"]["boolop"] == "AND_EXPR":
        parts = [_not_null_columns(part) for part in predicate["BoolExpr"]["args"]]
        return False if any(part is False for part in parts) else tuple(c for part in parts for c in part or ())  # type: ignore[union-attr]
    test = predicate.get("NullTest", {})
    fields = names(test.get("arg", {}).get("ColumnRef", {}).get("fields", ()))
    return (fields[-1],) if test.get("nulltesttype") == "IS_NOT_NULL" and fields else False


_ROW_SECURITY = {
    "AT_EnableRowSecurity": ("rls_enabled", True),
    "AT_DisableRowSecurity": ("rls_enabled", False),
    "AT_ForceRowSecurity": ("rls_forced", True),
    "AT_NoForceRowSecurity": ("rls_forced", False),
}

_HANDLERS: dict[str, Callable[[State, Statement, LintFile], None]] = {
    "CreateStmt": State._create_table,
    "CreateForeignTableStmt": State._create_table,
    "CreateTableAsStmt": State._create_table_as,
    "CreateSchemaStmt": State._create_schema,
    "IndexStmt": State._create_index,
    "CreatePolicyStmt": State._create_policy,
    "AlterTableStmt": State._alter_table,
    "DropStmt": State._drop,
    "RenameStmt": State._rename,
    "AlterObjectSchemaStmt": State._set_schema,
}
