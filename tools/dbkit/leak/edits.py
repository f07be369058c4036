"""What users may change about themselves and policies believe: claims a user may edit, and columns of the own row.

`user_metadata` of a JWT belongs to its user, who edits it through the identity provider's public API. Columns of the
own row in the registry of users or in the memberships are edited with an UPDATE where a grant and a policy allow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dbkit.leak.forgeries import SWITCH, identity_for
from dbkit.leak.rows import ATTACKER, VICTIM, Identity, Population, identify, insert_statement
from dbkit.leak.states import State, Step, set_setting, strict
from dbkit.leak.values import is_role_column, privileged_first
from dbkit.tenancy.keys import policy_text
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel
from dbkit.tenancy.relations import Column, Relations, Role, Table, literal

__all__ = ["decides", "edited_states", "mightier", "read_of_caller"]

_EDITABLE = ("user_metadata", "raw_user_meta_data")
_KEY_OF_EDITABLE = re.compile(
    r"(?:raw_)?user_meta_?data'?(?:::text)?\)*\s*(?:->>?\s*\(?'(\w+)'|,\s*(\w+)\}')", re.IGNORECASE
)
_CONSTANT = re.compile(r"'((?:[^']|'')+)'")
_VALUES_TRIED = 3


def edited_states(
    model: Model, scope: ScopeModel, right: Iterable[str], population: Population, role: Role | None
) -> Iterator[State]:
    """States in which the attacker has edited its own claims or its own row.

    Args:
        right: the attacker's own context.
        role: the role that attacks; None leaves out the edits that need its privileges.
    """
    attacker, victim = population.identities[ATTACKER], population.identities[VICTIM]
    right = tuple(right)
    yield from _metadata(model, right, attacker, victim)
    if role is None or not scope.scope.names_user:
        return
    for name, table in scope.tables.items():
        row = population.tables[name].rows.get(ATTACKER) if name in population.tables else None
        if row is None or not _says_who(model, table):
            continue
        held = model.relations.privileges[role.name, name]
        granted = held.columns.get("update", frozenset())
        replaced = held.columns.get("insert", frozenset()) if held.may("delete") else frozenset[str]()
        for column in table.table.columns.values():
            if column.name not in granted | replaced or column.filled_by_server:
                continue
            values = mightier(model, table.table, column, row[column.name]) if decides(model, column.name) else []
            theirs = population.tables[name].rows.get(VICTIM, {}).get(column.name)
            if read_of_caller(model.relations, table.table, column) and theirs not in (None, row[column.name]):
                values.append(str(theirs))
            for value in values:
                where, said = identify(table.table, row), f"{column.name} = {value}"
                update = f"update {table.table.sql} set {column.sql} = {literal(value)} where {where}"
                given = {each: text for each, text in {**row, column.name: value}.items() if each in replaced}
                anew = (f"delete from {table.table.sql} where {where}", insert_statement(table.table, given))
                # What an UPDATE may not change, whoever makes the row anew may: tried for whose tenant it says it is.
                renewable = replaced if value == theirs else frozenset[str]()
                for how, allowed, edits in (("own row", granted, (update,)), ("own row made anew", renewable, anew)):
                    if column.name in allowed:
                        steps = (*strict(right), *(Step(edit, tolerant=True) for edit in edits))
                        yield State("edited", f"{how} of {name}: {said}", steps=steps, open_to_own=True)


def read_of_caller(relations: Relations, table: Table, column: Column) -> bool:
    """Whether policies look the column up in the caller's own row, as in `select p.household from people p`."""
    read = rf"\bselect\s+(?:\w+\.)?{re.escape(column.name)}\s+from\s+\(?(?:\w+\.)?{re.escape(table.name)}\b"
    return any(re.search(read, policy_text(each), re.IGNORECASE) for each in relations.base_tables)


def _metadata(model: Model, right: tuple[str, ...], attacker: Identity, victim: Identity) -> Iterator[State]:
    asked = _policy_texts(model)
    keys = {first or second for first, second in _KEY_OF_EDITABLE.findall(asked)}
    for name in model.relations.settings:
        current = f"coalesce(nullif(current_setting({literal(name)}, true), ''), '{{}}')::jsonb"
        for editable in _EDITABLE:
            if editable not in asked or not any(name in text for text in (*right, asked)):
                continue
            document = f"coalesce({current} -> {literal(editable)}, '{{}}')::text"
            for own, foreign in ((attacker.context_tenant, victim.context_tenant), (attacker.user, victim.user)):
                if own and foreign and own != foreign:
                    document = f"replace({document}, {literal(own)}, {literal(foreign)})"
            document = f"({document})::jsonb"
            for key in sorted(keys):
                value = "true" if SWITCH.search(key) else identity_for(key, victim)
                if value is not None and not is_role_column(key):
                    document += f" || jsonb_build_object({literal(key)}, {literal(value)})"
                elif is_role_column(key):
                    document += f" || jsonb_build_object({literal(key)}, 'admin')"
            edited = set_setting(name, f"({current} || jsonb_build_object({literal(editable)}, {document}))::text")
            steps = (*strict(right), Step(edited, tolerant=True))
            yield State("edited", f"{editable} of {name}", steps=steps, open_to_own=True)


def _says_who(model: Model, table: TableModel) -> bool:
    """Whether rows of the table say who a user is: the registry of users, the memberships, the user's own rows."""
    name = table.table.qualified
    memberships = model.memberships is not None and model.memberships.table == name
    return memberships or (model.users is not None and model.users[0] == name) or table.kind in (Kind.USER, Kind.MEMBER)


def decides(model: Model, column: str) -> bool:
    """Whether a policy or a helper may ask the column what its user is allowed to do."""
    asked = f"{_policy_texts(model)} {' '.join(model.relations.helpers.values())}"
    return (SWITCH.search(column) is not None or is_role_column(column)) and re.search(
        rf"\b{re.escape(column)}\b", asked
    ) is not None


def mightier(model: Model, table: Table, column: Column, current: str | None) -> list[str]:
    """Values worth giving oneself: true, the mightiest roles, whatever policies compare the column with."""
    if column.base == "bool":
        return [] if current == "t" else ["true"]
    compared = re.findall(rf"\b{re.escape(column.name)}\b\)?(?:::\w+)?\s*=\s*'((?:[^']|'')+)'", _policy_texts(model))
    checks = " ".join(check.expression for check in table.checks if column.name in check.columns)
    words = [*compared, *privileged_first([*column.labels, *_CONSTANT.findall(checks)])]
    return [word for word in dict.fromkeys(words) if word != current][:_VALUES_TRIED]


def _policy_texts(model: Model) -> str:
    policies = (policy for table in model.relations.base_tables for policy in table.policies)
    texts = [text for policy in policies for text in policy.texts]
    return " ".join([*texts, *model.relations.helpers.values()])
