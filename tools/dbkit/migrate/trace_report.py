"""What a trace has to say: each statement that touched what was there, and the linter's findings, confirmed or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dbkit.config import Config
from dbkit.lint.locks import Lock
from dbkit.lint.rule import Rule, all_rules
from dbkit.lint.sizes import Sizes
from dbkit.migrate.files import show_path
from dbkit.migrate.trace import Trace, Traced
from dbkit.report import Finding, Report, render_text

__all__ = ["render", "report_of"]

_WORDS = {"rewrite": "rewrites every row", "build": "indexes every row", "scan": "reads every row"}


def report_of(config: Config, found: Trace, *, live: Sizes | None) -> Report:
    """The trace as a report: findings of the linter about these files and of the trace itself.

    Args:
        live: row counts of the given database, by which times are extrapolated and small tables are notes.
    """
    from dbkit.lint.engine import lint

    paths = sorted({migration.path.absolute() for migration in found.pending})
    linted = lint(config, paths, sizes=live).report.findings if paths else []
    findings = [_confirmed(finding, found.statements) for finding in linted]
    findings += found.findings
    report = Report("migrate plan --trace", findings, server=found.server)
    report.summary = {
        "pending": [
            {"line": item.line, "version": item.version, "file": show_path(item.path)} for item in found.pending
        ],
        "statements": [_as_dict(item, live) for item in found.statements],
        "rows": found.filled.rows,
        "without_rows": found.filled.refused,
    }
    return report


def render(report: Report, found: Trace, *, live: Sizes | None) -> str:
    """What a person reads: a block a statement that touched what was there, then the findings."""
    touching = [item for item in found.statements if item.effects.locks or item.effects.work or item.effects.emptied]
    blocks = ["\n".join(_lines(item, live)) for item in touching]
    quiet = len(found.statements) - len(touching)
    blocks.append(
        f"{len(found.pending)} pending, {len(found.statements)} statements on {report.server};"
        f" {quiet} touched nothing that was there before"
    )
    for table, reason in sorted(found.filled.refused.items()):
        blocks.append(f"note: no rows could be made for {table}: {reason}; what is said of it holds for few rows")
    if report.findings:
        blocks.append(render_text(report))
    return "\n".join(blocks)


def _lines(item: Traced, live: Sizes | None) -> Iterator[str]:
    yield f"{item.place}: {' '.join(item.text.split())[:90]}"
    if item.effects.locks:
        stronger = {name: lock for name, lock in item.effects.held.items() if lock > item.effects.locks.get(name, lock)}
        yield f"    locks: {_listed(item.effects.locks)}" + (
            f" (its transaction has {_listed(stronger)})" if stronger else ""
        )
    elif item.effects.held:
        yield f"    locks: none that its transaction has not yet ({_listed(item.effects.held)})"
    yield f"    {_duration(item, live)}"


def _listed(locks: Mapping[str, Lock]) -> str:
    return ", ".join(f"{lock} on {relation}" for relation, lock in sorted(locks.items()))


def _duration(item: Traced, live: Sizes | None) -> str:
    """The duration class, and the time it stands on."""
    took = f"{item.effects.milliseconds:.1f} ms"
    if item.effects.emptied:
        return f"empties {', '.join(item.effects.emptied)}, {took}"
    if not item.effects.work:
        return f"instant: no row of what was there is touched, {took}"
    parts = []
    for name, relations in (
        ("rewrite", item.effects.rewrites), ("build", tuple(item.effects.builds)), ("scan", tuple(item.effects.scans)),
    ):  # fmt: skip
        parts += [f"{_WORDS[name]} of {table} ({item.rows.get(table, 0):,} here)" for table in relations]
    expected = _expected(item, live)
    return f"grows with the rows: {'; '.join(parts)}, {took}" + (f", about {expected:,} ms there" if expected else "")


def _expected(item: Traced, live: Sizes | None) -> int | None:
    """Milliseconds on the given database, in proportion to the rows; None where that is not known."""
    if live is None:
        return None
    here = sum(item.rows.get(table, 0) for table in item.tables)
    there = sum(live.of(table) or 0 for table in item.tables)
    return round(item.effects.milliseconds * there / here) if here and there > here else None


def _as_dict(item: Traced, live: Sizes | None) -> dict[str, Any]:
    effects = item.effects
    return {
        "file": item.place.file,
        "line": item.line,
        "statement": " ".join(item.text.split())[:200],
        "transaction": item.transaction,
        "locks": {relation: str(lock) for relation, lock in sorted(effects.locks.items())},
        "held": {relation: str(lock) for relation, lock in sorted(effects.held.items())},
        "rewrites": list(effects.rewrites),
        "emptied": list(effects.emptied),
        "builds": {table: list(names) for table, names in effects.builds.items()},
        "scans": dict(effects.scans),
        "duration": "grows with rows" if effects.work else "instant",
        "milliseconds": round(effects.milliseconds, 1),
        "milliseconds_expected": _expected(item, live),
        "rows": item.rows,
    }


def _confirmed(finding: Finding, statements: list[Traced]) -> Finding:
    """The finding, with what the trace saw of it."""
    place, rule = finding.location, all_rules().get(finding.rule)
    if place is None or rule is None or rule.lock is None:
        return finding
    path = Path(place.file).absolute()
    here = [
        item
        for item in statements
        if item.migration.path.absolute() == path and item.line <= place.line <= item.last_line
    ]
    if not here:
        return finding
    said = next((text for text in (_seen(rule, item) for item in here) if text), None)
    if said is None and not rule.work:
        return finding
    sentence = f"Confirmed by the trace: {said}." if said else "Not confirmed: the trace saw no such work on a table."
    return finding._replace(detail=" ".join(part for part in (finding.detail, sentence) if part))


def _seen(rule: Rule, item: Traced) -> str | None:
    """What the statement did that the rule is about, None for nothing of it."""
    if rule.work:
        # A rewrite and a build read every row too.
        enough = {"scan": {"scan", "build", "rewrite"}, "build": {"build", "rewrite"}}.get(rule.work, {rule.work})
        did = item.effects.work & enough
        words = " and ".join(_WORDS[name] for name in sorted(did))
        tables = ", ".join(item.tables)
        held = {name: lock for name, lock in item.effects.held.items() if name in item.tables}
        return f"it {words} of {tables} under {_listed(held)}" if did else None
    # The longest name: SHARE is also how SHARE UPDATE EXCLUSIVE begins.
    named = [lock for lock in Lock if (rule.lock or "").startswith(str(lock))]
    mode = max(named, key=lambda lock: len(str(lock)), default=None)
    taken = max(item.effects.locks.values(), default=None)
    return (
        f"it takes {_listed(item.effects.locks)}" if mode is not None and taken is not None and taken >= mode else None
    )
