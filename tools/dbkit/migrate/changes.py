"""Declared files and two snapshots in, the steps of a migration out: the heart of `dbkit migrate new`.

Files whose objects are new, changed functions, views and guard sheets are copied word for word; a table that exists is
brought along by additive statements. What takes data away (a dropped table or column, another type) is never drafted:
`draft` reports it from the comparison that follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from dbkit.catalog import Function, Snapshot, Table, View
from dbkit.mentions import ObjectName, created_objects, parse_file
from dbkit.migrate.ddl import (
    comment_sql,
    default_privileges_change,
    function_sql,
    identifier,
    policy_sql,
    privileges_change,
    row_security_change,
)
from dbkit.migrate.table_changes import Block, table_changes
from dbkit.migrate.undo import undo_statements
from dbkit.parse import Statement
from dbkit.source import MODULE_FILE, SqlFile

__all__ = ["Block", "Changes", "find_changes"]


@dataclass(slots=True)
class Changes:
    """What a migration has to do.

    Attributes:
        blocks: steps of one transaction, in order; each knows its way back.
        bare: steps that come after it and must not be in a transaction (indexes, validation), one statement each.
        touched: what kinds of things change: table, alter, view, function, policy, trigger, grant, index.
    """

    blocks: list[Block] = field(default_factory=list)
    bare: list[Block] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Work:
    """Both states and what has been drafted so far.

    Attributes:
        made, made_schemas: objects and schemas this migration creates.
        recreated: views and functions dropped and made again, whose privileges have to be given again.
    """

    before: Snapshot
    after: Snapshot
    changes: Changes = field(default_factory=Changes)
    made: set[ObjectName] = field(default_factory=set)
    made_schemas: set[str] = field(default_factory=set)
    recreated: set[ObjectName] = field(default_factory=set)

    def add(self, kind: str, up: str, down: Iterable[str]) -> None:
        self.changes.touched.add(kind)
        self.changes.blocks.append(Block(up.strip(), "\n".join(down)))


def find_changes(files: Sequence[SqlFile], before: Snapshot, after: Snapshot, module: str) -> Changes:
    """Compare one module's declared tree with what its migrations give.

    Args:
        files: the module's files in build order.
        before: snapshot of the replayed migrations.
        after: snapshot of the declared tree, built.
    """
    work = _Work(before, after)
    parsed = [(file, parse_file(file.text, str(file.path))) for file in files]
    for _, statements in parsed:
        for statement in statements:
            work.made |= {name for name in created_objects(statement) if not _exists(before, name)}
            if statement.tag == "CreateSchemaStmt" and statement.node["schemaname"] not in before.schemas:
                work.made_schemas.add(statement.node["schemaname"])
    for file, statements in parsed:
        _compare_file(work, file, statements)
    _drop_gone(work, module)
    return work.changes


def _compare_file(work: _Work, file: SqlFile, statements: Sequence[Statement]) -> None:
    created = [name for statement in statements for name in created_objects(statement)]
    if file.path.name == MODULE_FILE and file.module not in work.made_schemas:
        _compare_schema(work, file.module)
    elif file.path.name == MODULE_FILE or (created and work.made.issuperset(created)):
        kind = "function" if created and all(name.kind == "routine" for name in created) else "table"
        _copy_new(work, file, statements, "view" if _is_view(work.after, created) else kind)
    elif created:
        _compare_created(work, file, statements, created)
    else:
        _compare_guard(work, file, statements)


def _copy_new(work: _Work, file: SqlFile, statements: Sequence[Statement], kind: str) -> None:
    work.add(kind, file.text, undo_statements(statements, work.made, work.made_schemas))


def _compare_created(
    work: _Work, file: SqlFile, statements: Sequence[Statement], created: Sequence[ObjectName]
) -> None:
    routines = [name for name in created if name.kind == "routine"]
    if routines:
        _compare_functions(work, file, statements, routines)
    for name in created:
        key = _key(name)
        old, new = work.before.relation(key), work.after.relation(key)
        if isinstance(old, Table) and isinstance(new, Table):
            drafted = table_changes(old, new, statements)
            work.changes.blocks += drafted.blocks
            work.changes.bare += drafted.bare
            work.changes.touched |= {"alter"} if drafted.blocks else set()
            work.changes.touched |= {"index"} if drafted.bare else set()
        elif isinstance(old, View) and isinstance(new, View) and not _same(old, new, "acl", "columns", "triggers"):
            work.recreated.add(name)
            work.add("view", f"drop {old.kind} {key};\n\n{file.text}", [f"drop {new.kind} {key};", *_view_again(old)])


# ---------------------------------------------------------------------------------------------------------------------
# Functions and views
# ---------------------------------------------------------------------------------------------------------------------


def _compare_functions(
    work: _Work, file: SqlFile, statements: Sequence[Statement], routines: Sequence[ObjectName]
) -> None:
    pairs = [
        (work.before.functions.get(key), function)
        for key, function in work.after.functions.items()
        if ObjectName("routine", function.schema, function.name) in routines
    ]
    if any(old is None or not _same(old, new, "acl") for old, new in pairs):
        drops = [f"drop {old.kind} {old.key};" for old, new in pairs if old and _must_be_dropped(old, new)]
        grants_itself = any(item.tag == "GrantStmt" and item.node.get("is_grant") for item in statements)
        revokes, down = [], []
        for old, new in pairs:
            if old is None:
                down.append(f"drop {new.kind} {new.key};")
                continue
            if _must_be_dropped(old, new):
                work.recreated.add(ObjectName("routine", old.schema, old.name))
                down.append(f"drop {new.kind} {new.key};")
                down += _function_again(old)
                continue
            change = privileges_change(f"{old.kind} {old.key}", old.acl, new.acl)
            revokes += [line for line in change if line.startswith("revoke") or not grants_itself]
            down += _function_back(old, new)
        head = "\n".join(drops) + "\n\n" if drops else ""
        tail = "\n\n" + "\n".join(revokes) if revokes else ""
        replaced = {old.name for old, new in pairs if old and not _must_be_dropped(old, new)}
        work.add("function", head + _with_replace(file.text, statements, replaced).strip() + tail, down)
        return
    for old, new in pairs:
        if old is not None and old.acl != new.acl:
            target = f"{new.kind} {new.key}"
            up = privileges_change(target, old.acl, new.acl)
            work.add("grant", "\n".join(up), privileges_change(target, new.acl, old.acl))


def _with_replace(text: str, statements: Sequence[Statement], names: set[str]) -> str:
    """The file's text with `create or replace` where it says `create` of functions that exist."""
    for statement in reversed(statements):
        if statement.tag != "CreateFunctionStmt" or statement.node.get("replace"):
            continue
        if statement.node["funcname"][-1]["String"]["sval"] in names:
            word = statement.start + len("create")
            text = f"{text[:word]} or replace{text[word:]}"
    return text


def _must_be_dropped(old: Function, new: Function) -> bool:
    """`create or replace` refuses another kind, result or argument name."""
    return (old.kind, old.returns, old.argument_names) != (new.kind, new.returns, new.argument_names)


def _function_back(old: Function, new: Function) -> list[str]:
    """A function that was replaced, made what it was."""
    lines = [] if _same(old, new, "acl", "owner", "comment") else [function_sql(old)]
    if old.owner != new.owner:
        lines.append(f"alter {old.kind} {old.key} owner to {identifier(old.owner)};")
    if old.comment != new.comment:
        lines.append(comment_sql(f"{old.kind} {old.key}", old.comment))
    return lines + privileges_change(f"{old.kind} {old.key}", new.acl, old.acl)


def _function_again(old: Function) -> list[str]:
    """A function that was dropped, made again with all it had."""
    target = f"{old.kind} {old.key}"
    lines = [function_sql(old), f"alter {target} owner to {identifier(old.owner)};"]
    lines.append(f"revoke all on {target} from public;")
    lines += privileges_change(target, (), [grant for grant in old.acl if grant.grantee != old.owner])
    return lines if old.comment is None else [*lines, comment_sql(target, old.comment)]


def _view_again(old: View) -> list[str]:
    options = f" with ({', '.join(old.options)})" if old.options else ""
    lines = [f"create {old.kind} {old.key}{options} as\n{old.definition.strip().removesuffix(';')};"]
    lines += [f"{index.definition};" for index in old.indexes.values()]
    lines += privileges_change(f"table {old.key}", (), [grant for grant in old.acl if grant.grantee != old.owner])
    return lines if old.comment is None else [*lines, comment_sql(f"{old.kind} {old.key}", old.comment)]


# ---------------------------------------------------------------------------------------------------------------------
# Guard sheets: row security, policies, triggers, privileges
# ---------------------------------------------------------------------------------------------------------------------


def _compare_guard(work: _Work, file: SqlFile, statements: Sequence[Statement]) -> None:
    subjects = list(dict.fromkeys(_subjects(statements)))
    if not subjects:
        return
    kind = "policy" if any(item.tag == "CreatePolicyStmt" for item in statements) else "grant"
    if work.made.issuperset(subjects):
        _copy_new(work, file, statements, kind)
        return
    fresh = any(name in work.made or name in work.recreated for name in subjects)
    tables = [(work.before.tables[_key(name)], work.after.tables[_key(name)]) for name in _tables(work, subjects)]
    if fresh or any(_guard_differs(old, new) for old, new in tables):
        drops, revokes, down = [], [], undo_statements(_about(statements, work.made), work.made, work.made_schemas)
        policies = {item.node["policy_name"] for item in statements if item.tag == "CreatePolicyStmt"}
        triggers = {item.node["trigname"] for item in statements if item.tag == "CreateTrigStmt"}
        for old, new in tables:
            # Those the sheet makes again, and those it made before.
            drop_policies = [name for name in old.policies if name in policies or name not in new.policies]
            drop_triggers = [name for name in old.triggers if name in triggers or name not in new.triggers]
            drops += [f"drop policy if exists {identifier(name)} on {old.key};" for name in drop_policies]
            drops += [f"drop trigger if exists {identifier(name)} on {old.key};" for name in drop_triggers]
            change = _table_privileges(old, new)
            revokes += [line for line in change if line.startswith("revoke")]
            down += [f"drop policy {identifier(name)} on {old.key};" for name in new.policies if name in policies]
            down += [f"drop trigger {identifier(name)} on {old.key};" for name in new.triggers if name in triggers]
            down += [policy_sql(old.key, old.policies[name]) for name in drop_policies]
            down += [f"{old.triggers[name].definition};" for name in drop_triggers]
            down += row_security_change(new, old) + _table_privileges(new, old)
        head = "\n".join(drops) + "\n\n" if drops else ""
        tail = "\n\n" + "\n".join(revokes) if revokes else ""
        work.add(kind, head + file.text.strip() + tail, down)
        return
    for old, new in tables:
        change = _table_privileges(old, new)
        if change:
            work.add("grant", "\n".join(change), _table_privileges(new, old))


def _guard_differs(old: Table, new: Table) -> bool:
    switches = (old.row_security, old.force_row_security) != (new.row_security, new.force_row_security)
    return switches or not _same_items(old.policies, new.policies) or not _same_items(old.triggers, new.triggers)


def _table_privileges(old: Table, new: Table) -> list[str]:
    target = f"table {new.key}"
    lines = privileges_change(target, old.acl, new.acl)
    for name, column in new.columns.items():
        had = old.columns[name].acl if name in old.columns else ()
        lines += privileges_change(target, had, column.acl, column=name)
    return lines


def _subjects(statements: Sequence[Statement]) -> Iterator[ObjectName]:
    """The tables, views and functions a guard sheet is about."""
    for statement in statements:
        node = statement.node
        if statement.tag == "CreatePolicyStmt":
            yield _relation(node["table"])
        elif statement.tag in ("CreateTrigStmt", "AlterTableStmt", "RuleStmt"):
            yield _relation(node["relation"])
        elif statement.tag == "GrantStmt" and node.get("targtype") == "ACL_TARGET_OBJECT":
            for item in node.get("objects", ()):
                if "RangeVar" in item:
                    yield _relation(item["RangeVar"])
                elif "ObjectWithArgs" in item:
                    parts = [part["String"]["sval"] for part in item["ObjectWithArgs"]["objname"]]
                    yield ObjectName("routine", parts[-2] if len(parts) > 1 else "public", parts[-1])


def _about(statements: Sequence[Statement], made: set[ObjectName]) -> list[Statement]:
    """The statements whose subjects are all new."""
    return [item for item in statements if made.issuperset(_subjects([item]))]


def _tables(work: _Work, names: Iterable[ObjectName]) -> list[ObjectName]:
    """Those that are tables in both states."""
    return [name for name in names if _key(name) in work.before.tables and _key(name) in work.after.tables]


# ---------------------------------------------------------------------------------------------------------------------
# The schema, and what is gone
# ---------------------------------------------------------------------------------------------------------------------


def _compare_schema(work: _Work, module: str) -> None:
    old, new = work.before.schemas[module], work.after.schemas[module]
    target = f"schema {identifier(module)}"
    up = privileges_change(target, old.acl, new.acl)
    down = privileges_change(target, new.acl, old.acl)
    if old.comment != new.comment:
        up.append(comment_sql(target, new.comment))
        down.append(comment_sql(target, old.comment))
    for key in sorted(work.before.default_privileges.keys() | work.after.default_privileges.keys()):
        had, has = work.before.default_privileges.get(key), work.after.default_privileges.get(key)
        either = has or had
        if either is None or (had and has and had.acl == has.acl) or either.schema not in (None, module):
            continue
        old_acl, new_acl = (had.acl if had else ()), (has.acl if has else ())
        up += default_privileges_change(either.role, either.objects, either.schema, old_acl, new_acl)
        down += default_privileges_change(either.role, either.objects, either.schema, new_acl, old_acl)
    if up:
        work.add("grant", "\n".join(up), down)


def _drop_gone(work: _Work, module: str) -> None:
    """Functions and views that no file creates any more; tables are left to the author."""
    for view in work.before.views.values():
        if view.schema == module and view.key not in work.after.views:
            work.add("view", f"drop {view.kind} {view.key};", _view_again(view))
    for function in work.before.functions.values():
        if function.schema == module and function.key not in work.after.functions:
            work.add("function", f"drop {function.kind} {function.key};", _function_again(function))


# ---------------------------------------------------------------------------------------------------------------------
# Names and comparisons
# ---------------------------------------------------------------------------------------------------------------------


def _exists(snapshot: Snapshot, name: ObjectName) -> bool:
    if name.kind == "routine":
        return any(item.schema == name.schema and item.name == name.name for item in snapshot.functions.values())
    key = _key(name)
    return bool(snapshot.relation(key) or key in snapshot.sequences or key in snapshot.domains or key in snapshot.types)


def _is_view(snapshot: Snapshot, created: Sequence[ObjectName]) -> bool:
    return any(_key(name) in snapshot.views for name in created)


def _key(name: ObjectName) -> str:
    return f"{identifier(name.schema)}.{identifier(name.name)}"


def _relation(node: dict[str, Any]) -> ObjectName:
    return ObjectName("relation", node.get("schemaname", "public"), node["relname"])


def _same(old: Any, new: Any, *ignored: str) -> bool:
    """Whether two objects agree in all fields that say something of their own."""
    compared = [item.name for item in fields(old) if not item.metadata.get("derived") and item.name not in ignored]
    return all(getattr(old, name) == getattr(new, name) for name in compared)


def _same_items(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return old.keys() == new.keys() and all(_same(old[name], new[name]) for name in old)
