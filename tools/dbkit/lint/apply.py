"""Repair files: put the edits of the rules together, prove them by linting the result, show them, write them.

An edit is kept only if its finding is gone afterwards and nothing new was found; otherwise it is withdrawn and said.
The proof is done on the text in memory before anybody is asked, and again on the files once they are written.
"""

from __future__ import annotations

import codecs
import difflib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.lint.engine import lint
from dbkit.lint.follow_up import follow_up_file
from dbkit.lint.result import LintResult, Repair
from dbkit.lint.store import write_whole
from dbkit.report import Finding

__all__ = ["Plan", "applied_files", "plan_repairs", "write_repairs"]

Identity = tuple[str, str, str, str]

# A repair may uncover another, such as a second edit of the same words.
_ROUNDS = 4


@dataclass
class Plan:
    """What a repair would do.

    Attributes:
        before: text of each file that changes, as it is.
        after: text of each file that changes, or is new, as it would be.
        repaired: findings that are gone then.
        withdrawn: findings whose edit is not made, and why.
        expected: what is found then.
    """

    before: dict[Path, str] = field(default_factory=dict)
    after: dict[Path, str] = field(default_factory=dict)
    repaired: list[Finding] = field(default_factory=list)
    withdrawn: list[tuple[Finding, str]] = field(default_factory=list)
    expected: Counter[Identity] = field(default_factory=Counter)

    def diff(self, config: Config) -> str:
        """Unified diff of all files."""
        parts: list[str] = []
        for path in sorted(self.after):
            name = config.display(path)
            old, new = self.before.get(path), self.after[path]
            lines = difflib.unified_diff(
                (old or "").splitlines(keepends=True),
                new.splitlines(keepends=True),
                "/dev/null" if old is None else f"a/{name}",
                f"b/{name}",
            )
            parts.extend(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        return "".join(parts)


def plan_repairs(
    config: Config,
    paths: Sequence[Path] = (),
    *,
    history: Sequence[Path] = (),
    each: bool = False,
    profile: str | None = None,
    only: Collection[Path] | None = None,
    applied: Collection[Path] = (),
) -> Plan:
    """Find the edits that hold; nothing is written.

    Args:
        applied: migrations that are recorded as applied; they stay as they are.
    """
    allowed = _Allowed(config, paths, applied)
    plan = Plan()

    def judge(after: Mapping[Path, str]) -> LintResult:
        return lint(
            config, paths, history=history, each=each, profile=profile, only=only, remember=not after, overlay=after,
            repair=True,
        )  # fmt: skip

    current = judge({})
    refused: dict[Identity, str] = {}
    for _ in range(_ROUNDS):
        wanted = []
        for repair in current.repairs:
            reason = allowed.refusal(repair)
            if reason:
                refused[_identity(repair.finding)] = reason
            elif _identity(repair.finding) not in refused:
                wanted.append(repair)
        step = _Step(judge, plan, current, allowed)
        step.keep(wanted)
        refused |= {_identity(repair.finding): reason for repair, reason in step.withdrawn}
        if not step.kept:
            break
        plan.repaired += [repair.finding for repair in step.kept]
        plan.after, current = step.after, step.result
    plan.expected = Counter(map(_identity, current.report.findings))
    plan.withdrawn = [
        (repair.finding, refused[_identity(repair.finding)])
        for repair in current.repairs
        if _identity(repair.finding) in refused
    ]
    return plan


class _Step:
    """One round: which repairs hold together, found by halving what does not."""

    def __init__(
        self, judge: Callable[[Mapping[Path, str]], LintResult], plan: Plan, current: LintResult, allowed: _Allowed
    ) -> None:
        self._judge, self._plan, self._start, self._allowed = judge, plan, current, allowed
        self.after, self.result = dict(plan.after), current
        self.kept: list[Repair] = []
        self.withdrawn: list[tuple[Repair, str]] = []

    def keep(self, repairs: list[Repair]) -> None:
        """Add the repairs to those kept, or the halves of them that hold."""
        if not repairs:
            return
        trial = [*self.kept, *repairs]
        after, reason = self._compose(trial)
        if reason is None:
            result = self._judge(after)
            reason = _fault(self._start, result, [repair.finding for repair in trial])
            if reason is None:
                self.kept, self.after, self.result = trial, after, result
                return
        if len(repairs) == 1:
            # Two edits of the same place: the second is tried again on what the first one left.
            if reason != _OVERLAP:
                self.withdrawn.append((repairs[0], reason))
            return
        half = len(repairs) // 2
        self.keep(repairs[:half])
        self.keep(repairs[half:])

    def _compose(self, repairs: Sequence[Repair]) -> tuple[dict[Path, str], str | None]:
        """The texts with all repairs in them, or why they do not go together."""
        after = dict(self._plan.after)
        by_file: dict[Path, list[Repair]] = {}
        for repair in repairs:
            by_file.setdefault(repair.file.path, []).append(repair)
        for path, listed in by_file.items():
            text = listed[0].file.text
            if path not in after:
                self._plan.before.setdefault(path, text)
            edits = sorted({edit for repair in listed for edit in repair.fix.edits}, key=attrgetter("start", "end"))
            for first, second in pairwise(edits):
                if second.start < first.end:
                    return after, _OVERLAP
            newline = "\r\n" if "\r\n" in text else "\n"
            for edit in reversed(edits):
                text = text[: edit.start] + edit.text.replace("\n", newline) + text[edit.end :]
            after[path] = text
            for follow_up in (item for repair in listed for item in repair.fix.follow_up):
                made = follow_up_file(listed[0].file, follow_up, after)
                if made is None:
                    return after, "it needs a second file, which this layout cannot number"
                if not self._allowed.may_create(made[0]):
                    return after, "it needs a second file beside this one: name the folder instead of the file"
                after[made[0]] = made[1]
        return after, None


_OVERLAP = "it overlaps with another edit"


class _Allowed:
    """Which files may be touched: those inside the given paths that are not applied yet."""

    def __init__(self, config: Config, paths: Sequence[Path], applied: Collection[Path]) -> None:
        self._roots = [path.resolve() for path in (paths or [config.resolve(config.sql_dir)])]
        self._applied = {path.resolve() for path in applied}

    def refusal(self, repair: Repair) -> str | None:
        """Why a file is left alone; None where it may be changed."""
        path = repair.file.path.resolve()
        if path in self._applied:
            return "the migration is recorded as applied"
        if not any(path == root or path.is_relative_to(root) for root in self._roots):
            return "the file lies outside the given paths"
        return None

    def may_create(self, path: Path) -> bool:
        return any(root.is_dir() and path.resolve().is_relative_to(root) for root in self._roots)


def _fault(before: LintResult, after: LintResult, gone: Collection[Finding]) -> str | None:
    """Why a repair does not hold: its finding is still there, or another one came."""
    was = Counter(map(_identity, before.report.findings))
    wanted = was - Counter(map(_identity, gone))
    extra = Counter(map(_identity, after.report.findings)) - wanted
    if not extra:
        return None
    missed = extra.keys() & {_identity(finding) for finding in gone}
    if missed:
        return f"{min(missed)[1]} would still be found"
    return f"{min(extra)[1]} would be found then"


def _identity(finding: Finding) -> Identity:
    return (finding.location.file if finding.location else "", *finding.identity)


def write_repairs(plan: Plan, judge: Callable[[], LintResult]) -> LintResult:
    """Write the files, each whole or not at all, and lint them; all is undone when that finds what the plan did not.

    Args:
        judge: lints the files as they are then.

    Raises:
        DbkitError: a file changed meanwhile, cannot be written, or the result is not what was planned.
    """
    originals = {path: path.read_bytes() for path in plan.before if path in plan.after}
    for path, data in originals.items():
        if data.decode("utf-8-sig") != plan.before[path]:
            raise DbkitError(f"{path} changed meanwhile", hint="Run the command again.")
    written: list[Path] = []
    try:
        for path, text in plan.after.items():
            old = originals.get(path)
            marked = old is not None and old.startswith(codecs.BOM_UTF8)
            _write(path, text.encode("utf-8-sig" if marked else "utf-8"), new=old is None)
            written.append(path)
        result = judge()
        new = Counter(map(_identity, result.report.findings)) - plan.expected
        if new:
            raise DbkitError(
                "the repairs do not hold",
                detail=f"{min(new)[1]} is found in {min(new)[0]} once they are written. All files are as before.",
                hint="Repair it by hand.",
            )
        return result
    except BaseException:
        for path in written:
            if path in originals:
                _write(path, originals[path], new=False)
            else:
                path.unlink(missing_ok=True)
        raise


def _write(path: Path, data: bytes, *, new: bool) -> None:
    path = path.resolve()
    # A new file gets the rights of its neighbours.
    mode = (min(path.parent.glob("*.sql")) if new else path).stat().st_mode & 0o777
    try:
        write_whole(path, data)
        path.chmod(mode)
    except OSError as error:
        raise DbkitError(
            f"cannot write {path}", detail=f"{error.strerror}.", hint="Check the permissions of the folder."
        ) from None


def applied_files(config: Config, conninfo: str, folder: Path | None) -> set[Path]:
    """The migrations that a database's ledger records as applied.

    Args:
        folder: the migrations, where they are not the project's own.
    """
    from dbkit.migrate import ledger
    from dbkit.migrate.layouts import discover
    from dbkit.migrate.session import connect

    found = discover(config, folder=folder)
    with connect(conninfo, config) as session:
        rows = ledger.read(session)
    paths: set[Path] = set()
    for migration in found.migrations:
        row = rows.get((migration.line, migration.version))
        if row is not None and row.applied:
            paths.update(path.absolute() for path in (migration.path, migration.down_path) if path is not None)
    return paths
