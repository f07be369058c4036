"""`dbkit leak` against schemas with a known leak, their repaired twins, and clean look-alikes.

A corpus is a folder of cases, each a folder with

    schema.sql      a self-contained schema with seed rows, applied to an empty database as superuser
    fix.sql         the repair, applied after it; a clean case has none
    tenancy.toml    what the owner of the schema would declare; a case without one is not scored
    case.toml       `class` of the leak taxonomy, `leak` (true or false), and what a reader should know

Every schema is proven as it is and again after its fix, each on a server of its own since roles belong to the cluster.
A hit is an error-level finding that the fix removes. An error that stays after the fix, or is found in a clean case, is
a false alarm. A missed leak was skipped in silence unless something was said to be unverified.

usage: bench/leak.py [CORPUS] [--jobs N] [--only GLOB …] [--json FILE]     exit code 1 when a target is missed
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import psycopg

from dbkit.config import load_config
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer
from dbkit.sqltext import split
from harness import table

OWN_CORPUS = Path(__file__).resolve().parent.parent / "tests" / "leak" / "corpus"
RECALL_TARGET = 95.0
TIMEOUT_SECONDS = 180
# What some schemas need beyond the settings of a disposable server: publications and slots.
SETTINGS = {"wal_level": "logical", "max_wal_senders": "4", "max_replication_slots": "4"}

# Rule, object and message without its numbers: a finding that the fix only makes smaller has not gone.
Identity = tuple[str, str, str]


@dataclass(frozen=True)
class Case:
    """One folder of the corpus.

    Attributes:
        category: class of the leak taxonomy.
        leaky: whether an attack exists.
        scored: an owner's declaration is there to prove against.
    """

    folder: Path
    category: str
    leaky: bool
    scored: bool

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def fix(self) -> Path | None:
        path = self.folder / "fix.sql"
        return path if path.exists() else None


@dataclass(frozen=True)
class Run:
    """What one `dbkit leak` said.

    Attributes:
        exit_code: 0 all holds, 1 a leak, 2 unverified or could not run, -1 not run or no answer in time.
        errors: error-level findings.
        unverified: number of paths and checks without a proof.
        seconds: how long the command took.
        failure: why it gave no report, None where it gave one.
    """

    exit_code: int
    errors: tuple[Identity, ...] = ()
    unverified: int = 0
    seconds: float = 0.0
    failure: str | None = None


@dataclass(frozen=True)
class Result:
    """A case before and, where it has a fix, after it."""

    case: Case
    before: Run
    after: Run | None

    @property
    def found(self) -> tuple[Identity, ...]:
        """Errors that the fix removes."""
        if self.after is None or self.after.failure:
            return ()
        return tuple(sorted(set(self.before.errors) - set(self.after.errors)))

    @property
    def false_alarms(self) -> tuple[Identity, ...]:
        """Errors where no leak is: in a clean case, or left after the fix."""
        if self.case.leaky:
            return self.after.errors if self.after else ()
        return self.before.errors

    @property
    def hit(self) -> bool:
        return bool(self.case.leaky and self.found)

    @property
    def missed(self) -> bool:
        return bool(self.case.leaky and self.case.fix and not self.found)

    @property
    def silent(self) -> bool:
        """A missed leak about which nothing was said to be unproven; a warning about something else says nothing."""
        return self.missed and self.before.exit_code in (0, 1) and not self.before.unverified and not self.before.errors

    @property
    def runs(self) -> list[Run]:
        return [self.before] + ([self.after] if self.after else [])

    @property
    def failures(self) -> list[str]:
        """Why runs gave no report, each reason once."""
        return list(dict.fromkeys(run.failure for run in self.runs if run.failure))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, nargs="?", default=OWN_CORPUS, help="default: tests/leak/corpus")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cases at a time")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="GLOB", help="names of cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was found in each case")
    arguments = parser.parse_args()
    cases = [case for case in read_corpus(arguments.corpus) if any(fnmatch(case.name, p) for p in arguments.only)]
    scored = [case for case in cases if case.scored]
    if not scored:
        parser.error(f"no case to score in {arguments.corpus}")
    results = sorted(run_all(scored, arguments.jobs), key=lambda result: result.case.name)
    print(report(results))
    for case in cases:
        if not case.scored:
            print(f"not scored, no tenancy.toml: {case.name}")
    if arguments.json:
        arguments.json.write_text(json.dumps([as_dict(result) for result in results], indent=2) + "\n")
    return 0 if verdicts(results) else 1


def read_corpus(folder: Path) -> list[Case]:
    """The cases of a folder by name."""
    return [
        Case(path.parent, str(facts["class"]), bool(facts["leak"]), (path.parent / "tenancy.toml").exists())
        for path in sorted(folder.glob("*/case.toml"))
        for facts in [tomllib.loads(path.read_text(encoding="utf-8"))]
    ]


def run_all(cases: list[Case], jobs: int) -> Iterator[Result]:
    """Prove every case, some at a time; each is told on stderr when it is done."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = [pool.submit(run_case, case) for case in cases]
        for done, future in enumerate(as_completed(waiting), start=1):
            result = future.result()
            print(f"{done}/{len(cases)}", *row(result), *result.failures, file=sys.stderr, flush=True)
            yield result


def run_case(case: Case) -> Result:
    before = prove(case, [case.folder / "schema.sql"])
    after = prove(case, [case.folder / "schema.sql", case.fix]) if case.fix else None
    return Result(case, before, after)


def prove(case: Case, scripts: list[Path]) -> Run:
    """Apply the scripts to a new server and run `dbkit leak` on it."""
    try:
        with applied(scripts) as conninfo:
            return ask(conninfo, case.folder.resolve() / "tenancy.toml")
    except psycopg.Error as error:
        return Run(-1, failure=f"{scripts[-1].name} cannot be applied: {error}")


def ask(conninfo: str, tenancy: Path) -> Run:
    """Run the command as a user would, outside of any project."""
    command = [sys.executable, "-m", "dbkit", "leak", "--database", conninfo, "--format", "json"]
    with tempfile.TemporaryDirectory() as elsewhere:
        started = time.perf_counter()
        try:
            done = subprocess.run(
                [*command, "--tenancy", str(tenancy)],
                capture_output=True, text=True, cwd=elsewhere, timeout=TIMEOUT_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Run(-1, seconds=TIMEOUT_SECONDS, failure=f"no answer in {TIMEOUT_SECONDS} s")
    return read_run(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)


def read_run(exit_code: int, output: str, errors: str, seconds: float) -> Run:
    """What the command printed as JSON, or why it printed none."""
    try:
        printed = json.loads(output)
        reported = printed["findings"]
    except (json.JSONDecodeError, KeyError):
        lines = [line for line in (errors or output).splitlines() if line.strip()] or ["it printed nothing"]
        told = lines[-1:] if lines[0].startswith("Traceback") else lines
        return Run(exit_code, seconds=seconds, failure=" ".join(told)[:400])
    found = [finding for finding in reported if finding["severity"] == "error"]
    identities = {(f["rule"], f["object"] or "", re.sub(r"\d+", "#", f["message"])) for f in found}
    return Run(exit_code, tuple(sorted(identities)), int(printed["summary"].get("unverified", 0)), seconds)


@contextmanager
def applied(scripts: Iterable[Path]) -> Iterator[str]:
    """The conninfo of a database on a server of its own, after the scripts ran statement by statement."""
    server = LocalServer.start(choose_binaries(load_config(None)), **SETTINGS)
    try:
        with server.database() as database:
            with psycopg.connect(database.conninfo, autocommit=True) as connection:
                for script in scripts:
                    for statement in split(script.read_text(encoding="utf-8"), psql=True):
                        connection.execute(statement.text.encode(), prepare=False)
            yield database.conninfo
    finally:
        server.stop()


def report(results: list[Result]) -> str:
    """A line for each case, what was missed or wrong in words, and the totals."""
    header = ("case", "class", "hit", "left", "flagged", "unverified", "exit", "seconds")
    parts = [table(header, [row(result) for result in results]), *explained(results), by_class(results)]
    return "\n\n".join([*parts, "\n".join(figures(results))])


def row(result: Result) -> tuple[object, ...]:
    leaky = result.case.leaky
    answer = "yes" if result.hit else "-" if not result.missed else "SILENT" if result.silent else "no"
    return (
        result.case.name,
        result.case.category,
        answer if leaky else "",
        len(result.false_alarms) if leaky and result.after else "",
        len(result.false_alarms) if not leaky else "",
        "/".join(str(run.unverified) for run in result.runs),
        "/".join(str(run.exit_code) for run in result.runs),
        f"{sum(run.seconds for run in result.runs):.1f}",
    )


def explained(results: list[Result]) -> Iterator[str]:
    for result in results:
        lines = []
        if result.missed:
            lines.append(f"{result.case.name}: missed ({result.case.category})")
            lines += [f"    stays: {' '.join(error)}" for error in result.before.errors]
        if result.false_alarms:
            lines.append(f"{result.case.name}: false alarm")
            lines += [f"    {' '.join(error)}" for error in result.false_alarms]
        lines += [f"{result.case.name}: gave no report: {failure}" for failure in result.failures]
        if lines:
            yield "\n".join(lines)


def by_class(results: list[Result]) -> str:
    classes: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        classes[result.case.category].append(result)
    rows = []
    for category, members in sorted(classes.items()):
        leaky = [result for result in members if result.hit or result.missed]
        hits = sum(result.hit for result in leaky)
        silent = sum(result.silent for result in members)
        alarms = sum(bool(result.false_alarms) for result in members)
        rows.append((category, f"{hits}/{len(leaky)}" if leaky else "", silent or "", alarms or ""))
    return table(("class", "hits", "silent", "false alarms"), rows)


def recall(results: list[Result]) -> float:
    """Hits among the leaky cases that have a fix, in per cent."""
    scored = [result for result in results if result.hit or result.missed]
    return 100 * sum(result.hit for result in scored) / len(scored) if scored else 100.0


def figures(results: list[Result]) -> Iterator[str]:
    scored = [result for result in results if result.hit or result.missed]
    clean = [result for result in results if not result.case.leaky]
    hits = sum(result.hit for result in scored)
    yield f"recall: {recall(results):.1f} % ({hits} of {len(scored)}; target ≥ {RECALL_TARGET:g} %)"
    yield f"clean cases flagged: {sum(bool(r.false_alarms) for r in clean)} of {len(clean)} (target 0)"
    yield f"fixed cases still flagged: {sum(bool(r.false_alarms) for r in results if r.case.leaky)} (target 0)"
    yield f"leaks skipped in silence: {sum(result.silent for result in results)} (target 0)"
    runs = [run for result in results for run in result.runs]
    yield f"clean or fixed schemas with something unverified: {sum(r.runs[-1].unverified > 0 for r in results)}"
    yield f"runs without a report: {sum(run.failure is not None for run in runs)}"
    seconds = [run.seconds for run in runs]
    yield f"seconds a run: mean {sum(seconds) / len(seconds):.1f}, most {max(seconds):.1f}"


def verdicts(results: list[Result]) -> bool:
    """Whether every target is met."""
    silent = any(result.silent for result in results)
    return recall(results) >= RECALL_TARGET and not silent and not any(result.false_alarms for result in results)


def as_dict(result: Result) -> dict[str, Any]:
    return {
        "case": result.case.name,
        "class": result.case.category,
        "leak": result.case.leaky,
        "hit": result.hit,
        "found": result.found,
        "false_alarms": result.false_alarms,
        "silent": result.silent,
        "before": asdict(result.before),
        "after": asdict(result.after) if result.after else None,
    }


if __name__ == "__main__":
    sys.exit(main())
