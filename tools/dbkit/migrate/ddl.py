"""Catalog objects as SQL text: what a drafted migration writes where no file has the words for it.

Used for the way back, whose text is the previous state of the database, and for privileges that a file no longer
grants.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from dbkit.catalog import PUBLIC, Function, Grant, Policy, Table
from dbkit.sqltext import identifier, literal

__all__ = [
    "comment_sql",
    "default_privileges_change",
    "function_sql",
    "policy_sql",
    "privileges_change",
    "row_security_change",
]


def grantee(name: str) -> str:
    """A role, or PUBLIC, behind TO or FROM."""
    return "public" if name == PUBLIC else identifier(name)


def comment_sql(target: str, text: str | None) -> str:
    """`comment on <target>`; None removes the comment."""
    return f"comment on {target} is {literal(text)};"


def policy_sql(table: str, policy: Policy) -> str:
    """A policy and its comment.

    Args:
        table: `schema.name`, quoted.
    """
    name = identifier(policy.name)
    lines = [f"create policy {name} on {table}"]
    kind = "" if policy.permissive else "as restrictive "
    lines.append(f"    {kind}for {policy.command} to {', '.join(grantee(role) for role in policy.roles)}")
    if policy.using is not None:
        lines.append(f"    using ({policy.using})")
    if policy.check is not None:
        lines.append(f"    with check ({policy.check})")
    text = "\n".join(lines) + ";"
    if policy.comment is not None:
        text += "\n" + comment_sql(f"policy {name} on {table}", policy.comment)
    return text


def function_sql(function: Function) -> str:
    """The statement that makes a function what it is, without owner, privileges and comment.

    Raises:
        ValueError: an aggregate, which the server does not print.
    """
    if function.statement is None:
        raise ValueError(f"{function.key} is an aggregate")
    return function.statement.strip().removesuffix(";") + ";"


def row_security_change(before: Table, after: Table) -> list[str]:
    """Statements that bring the row security switches from one state to the other."""
    statements = []
    if before.row_security != after.row_security:
        verb = "enable" if after.row_security else "disable"
        statements.append(f"alter table {after.key} {verb} row level security;")
    if before.force_row_security != after.force_row_security:
        verb = "force" if after.force_row_security else "no force"
        statements.append(f"alter table {after.key} {verb} row level security;")
    return statements


def privileges_change(target: str, before: Iterable[Grant], after: Iterable[Grant], *, column: str = "") -> list[str]:
    """REVOKE and GRANT statements that bring the privileges of an object from one state to the other.

    Args:
        target: with its kind, e.g. `table core.users` or `function core.page(integer)`.
        column: name of the column the privileges are on.
    """
    return _acl_statements(before, after, f"on {target}", f" ({identifier(column)})" if column else "", "")


def default_privileges_change(
    role: str, objects: str, schema: str | None, before: Iterable[Grant], after: Iterable[Grant]
) -> list[str]:
    """As `privileges_change`, for default privileges.

    Args:
        role: raw name of the role whose new objects they are about; it need not be the one that runs the migration.
        objects: "tables", "sequences", "functions", "types" or "schemas".
        schema: raw name; None for every schema.
    """
    where = f" in schema {identifier(schema)}" if schema is not None else ""
    prefix = f"alter default privileges for role {identifier(role)}{where} "
    return _acl_statements(before, after, f"on {objects}", "", prefix)


def _acl_statements(before: Iterable[Grant], after: Iterable[Grant], on: str, columns: str, prefix: str) -> list[str]:
    old, new = set(before), set(after)
    statements = []
    for (who, _), privileges in _by_grantee(old - new).items():
        listed = ", ".join(name + columns for name in privileges)
        statements.append(f"{prefix}revoke {listed} {on} from {grantee(who)};")
    for (who, grantable), privileges in _by_grantee(new - old).items():
        listed = ", ".join(name + columns for name in privileges)
        option = " with grant option" if grantable else ""
        statements.append(f"{prefix}grant {listed} {on} to {grantee(who)}{option};")
    return statements


def _by_grantee(grants: Iterable[Grant]) -> dict[tuple[str, bool], list[str]]:
    grouped: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for grant in sorted(grants):
        grouped[grant.grantee, grant.grantable].append(grant.privilege.lower())
    return grouped
