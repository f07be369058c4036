"""Two snapshots in, findings out: what one database has, lacks or has differently.

A snapshot is flattened into named entries (`column core.users.email`, `policy select_staff on core.users`); entries are
compared field by field, in any order. `dbkit.equalities` says which databases are compared, and why.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from dbkit.catalog import Constraint, Relation, Snapshot, Type
from dbkit.report import Finding

__all__ = ["Advice", "Entry", "compare", "entries", "line_diff"]

Values = dict[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a snapshot, ready to compare.

    Attributes:
        name: kind and SQL name, unique in the database.
        parent: entry it cannot exist without, "" for none.
        values: attribute -> text, or lines where the attribute is a list; empty attributes are left out.
    """

    name: str
    parent: str
    values: Values = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.name.split(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to type about each kind of difference; hints of the findings."""

    missing: str | None = None
    extra: str | None = None
    differs: str | None = None


def compare(
    a: Snapshot, b: Snapshot, *, left: str = "left", right: str = "right", advice: Advice | None = None
) -> list[Finding]:
    """Every difference between two databases, sorted by object.

    Column order, data, statistics and the names in `model.DERIVED` fields are not compared. What hangs on a missing
    object (columns of a table) is counted in its finding, not reported apart.

    Args:
        a, b: the snapshots.
        left, right: what the two are called in messages, such as "the declared tree" and "the migrations".
        advice: hints for the findings.

    Returns:
        Findings with rule `missing_in_<right>`, `extra_in_<right>` or `differs`; `object` is the entry's name.
    """
    advice = advice or Advice()
    ours, theirs = _by_name(_shared_entries(a, b)), _by_name(_shared_entries(b, a))
    side = right.removeprefix("the ").replace(" ", "_")
    findings = []
    for name in sorted(ours.keys() | theirs.keys(), key=_sort_key):
        mine, other = ours.get(name), theirs.get(name)
        if mine and other:
            changed = _changed(mine.values, other.values)
            if changed:
                findings.append(
                    Finding(
                        rule="differs",
                        message=f"differs between {left} and {right}: {', '.join(changed)}",
                        object=name,
                        detail="\n".join(_render_change(changed, mine.values, other.values, left, right)),
                        hint=advice.differs,
                    )
                )
        elif mine and (mine.parent in theirs or not mine.parent):
            message = f"is in {left} but not in {right}"
            findings.append(_one_sided(f"missing_in_{side}", message, mine, ours, advice.missing))
        elif other and (other.parent in ours or not other.parent):
            message = f"is in {right} but not in {left}"
            findings.append(_one_sided(f"extra_in_{side}", message, other, theirs, advice.extra))
    return findings


def _shared_entries(snapshot: Snapshot, other: Snapshot) -> Iterator[Entry]:
    """The entries, with the roles that either side names, and cron jobs only from tables that both sides have."""
    referenced = {role.name for side in (snapshot, other) for role in side.roles.values() if role.referenced}
    roles = {name: replace(role, referenced=name in referenced) for name, role in snapshot.roles.items()}
    jobs = {key: job for key, job in snapshot.cron_jobs.items() if job.source in other.cron_sources}
    return entries(replace(snapshot, roles=roles, cron_jobs=jobs))


def entries(snapshot: Snapshot) -> Iterator[Entry]:
    """Everything of a snapshot that two equal databases must share."""
    for name, schema in snapshot.schemas.items():
        yield Entry(f"schema {name}", "", _values(schema))
    for name, role in snapshot.roles.items():
        if role.referenced and not name.startswith("pg_"):
            yield Entry(f"role {name}", "", _values(role))
    for name, extension in snapshot.extensions.items():
        yield Entry(f"extension {name}", "", _values(extension))
    for key, domain in snapshot.domains.items():
        yield Entry(f"domain {key}", f"schema {domain.schema}", _values(domain))
        yield from _parts(domain.constraints, "constraint", "of domain", key, f"domain {key}")
    for key, kind in snapshot.types.items():
        yield from _type_entries(key, kind)
    for key, sequence in snapshot.sequences.items():
        owner = sequence.owned_by or ""
        parent = f"column {owner}" if sequence.identity else f"schema {sequence.schema}"
        yield Entry(f"sequence {key}", parent, _values(sequence))
    for relation in snapshot.relations():
        yield from _relation_entries(relation)
    for key, function in snapshot.functions.items():
        yield Entry(f"function {key}", f"schema {function.schema}", _values(function))
    for key, statistics in snapshot.statistics.items():
        yield Entry(f"statistics {key}", "", _values(statistics))
    for key, privileges in snapshot.default_privileges.items():
        yield Entry(f"default privileges of {key}", "", _values(privileges))
    for key, other in snapshot.others.items():
        yield Entry(key, "", _values(other))
    for key, job in snapshot.cron_jobs.items():
        yield Entry(f"cron job {key}", "", _values(job))


def _type_entries(key: str, kind: Type) -> Iterator[Entry]:
    values = _values(kind)
    if kind.columns:
        values["columns"] = tuple(kind.columns)
    yield Entry(f"type {key}", f"schema {kind.schema}", values)
    for name, column in kind.columns.items():
        yield Entry(f"attribute {key}.{name}", f"type {key}", _values(column))


def _relation_entries(relation: Relation) -> Iterator[Entry]:
    kind = "view" if "view" in relation.kind else "table"
    parent = f"{kind} {relation.key}"
    yield Entry(parent, f"schema {relation.schema}", _values(relation))
    for name, column in relation.columns.items():
        yield Entry(f"column {relation.key}.{name}", parent, _values(column))
    # A partition's copy of a foreign key is named by the server and follows its parent: pg_dump leaves it out too.
    constraints: dict[str, Constraint] = getattr(relation, "constraints", {})
    own = {name: item for name, item in constraints.items() if not (item.kind == "foreign key" and item.inherited)}
    yield from _parts(own, "constraint", "on", relation.key, parent)
    yield from _parts(relation.indexes, "index", "on", relation.key, parent)
    yield from _parts(relation.triggers, "trigger", "on", relation.key, parent)
    yield from _parts(relation.rules, "rule", "on", relation.key, parent)
    yield from _parts(getattr(relation, "policies", {}), "policy", "on", relation.key, parent)


def _parts(items: Mapping[str, Any], kind: str, joint: str, owner: str, parent: str) -> Iterator[Entry]:
    for name, item in items.items():
        yield Entry(f"{kind} {name} {joint} {owner}", parent, _values(item))


def _values(item: Any) -> Values:
    """The compared fields of a model object as text; what is empty, false or absent says nothing and is left out."""
    values: Values = {}
    for spec in fields(item):
        value = getattr(item, spec.name)
        if spec.name == "name" or spec.metadata.get("derived") or _is_parts(spec, value) or _is_empty(value):
            continue
        label = "grants" if spec.name == "acl" else spec.name.replace("_", " ")
        if isinstance(value, dict):
            values.update({f"{part}": _text(content) for part, content in value.items() if not _is_empty(content)})
        else:
            values[label] = _text(value)
    return values


def _is_parts(spec: Field[Any], value: Any) -> bool:
    """Dicts of model objects become entries of their own."""
    return isinstance(value, dict) and any(hasattr(part, "__dataclass_fields__") for part in value.values())


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", (), [], {})


def _text(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, tuple | list):
        return tuple(str(_text(item)) for item in value)
    if isinstance(value, dict):
        return tuple(f"{key}: {_text(item)}" for key, item in sorted(value.items()))
    if value is True:
        return "yes"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _by_name(items: Iterable[Entry]) -> dict[str, Entry]:
    return {entry.name: entry for entry in items}


def _sort_key(name: str) -> tuple[str, str]:
    """What hangs on a table comes with it."""
    rest = name.partition(" ")[2]
    return rest.rpartition(" on ")[2], name


def _changed(mine: Values, other: Values) -> list[str]:
    names = [*mine, *(name for name in other if name not in mine)]
    return [name for name in names if mine.get(name) != other.get(name)]


def _one_sided(rule: str, message: str, entry: Entry, among: Mapping[str, Entry], hint: str | None) -> Finding:
    lines = list(_render_values(entry.values))
    children = Counter(child.kind for child in among.values() if child.parent == entry.name)
    if children:
        lines.append("with " + ", ".join(f"{number} {_plural(kind, number)}" for kind, number in children.items()))
    return Finding(rule=rule, message=message, object=entry.name, detail="\n".join(lines) or None, hint=hint)


def _plural(kind: str, number: int) -> str:
    if number == 1:
        return kind
    endings = {"index": "indexes", "policy": "policies"}
    return endings.get(kind, f"{kind}s")


def _render_values(values: Values) -> Iterator[str]:
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        first, *rest = value if isinstance(value, tuple) else value.strip("\n").split("\n")
        yield f"{name:<{width}}  {first}"
        yield from (f"{'':<{width}}  {line}" for line in rest)


def _render_change(changed: list[str], mine: Values, other: Values, left: str, right: str) -> Iterator[str]:
    """Each attribute with both values: one line each, aligned and marked, or a line diff where they are longer."""
    width = max(len(left), len(right)) + 1
    for name in changed:
        before, after = _lines(mine.get(name)), _lines(other.get(name))
        yield f"{name}"
        if len(before) <= 1 and len(after) <= 1:
            one, two = (before or ["(none)"])[0], (after or ["(none)"])[0]
            yield f"    {left + ':':<{width}} {one}"
            yield f"    {right + ':':<{width}} {two}"
            if before and after:
                yield f"    {'':<{width}} {_underline(one, two)}"
        else:
            yield from (f"    {line}" for line in line_diff(before, after, left, right))


def line_diff(before: Sequence[str], after: Sequence[str], left: str, right: str) -> Iterator[str]:
    """A unified diff with names instead of files, and … where equal lines are left out."""
    yield f"--- {left}"
    yield f"+++ {right}"
    lines = list(difflib.unified_diff(before, after, n=2, lineterm=""))[3:]
    yield from ("…" if line.startswith("@@") else line for line in lines)


def _lines(value: str | tuple[str, ...] | None) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else value.split("\n")


def _underline(one: str, two: str) -> str:
    """Carets under the part of the second line that differs from the first."""
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    end = 0
    while end < min(len(one), len(two)) - start and one[-1 - end] == two[-1 - end]:
        end += 1
    return " " * start + "^" * max(1, len(two) - start - end)
