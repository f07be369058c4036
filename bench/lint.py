"""`dbkit lint` against a corpus of known defects, and its speed beside other linters.

A corpus is a folder with

    manifest.json   a list of {"num", "rule", "defect", "trap", "files": {"bad": {"path"}, "good": {"path"}}}
    bad/, good/     one SQL file a case; a trap has only a good one, correct SQL that naive rules flag
    fixture.sql     what exists already, given as the earlier history

Every file is judged by itself in profile `recommended`. A hit is a rule reported for the bad file and not for the good
one; a false alarm is anything at warning or above in a good file.

Speed is that of whole processes over generated migrations and over the project's own SQL: cold (nothing remembered),
warm (nothing changed since the last run), with one file of all changed and the whole folder judged again, and with
that file named, as a hook or an editor does it: the others are then read for what they create. squawk, pgfence and the
Postgres Language Server are installed below the cache folder; what cannot be had is skipped by name. The parser floor
is a Python process that reads the same files and turns them into trees, and does nothing else: no linter that is built
on this parser can be faster in one process. `no rule` is our engine with every rule switched off: it starts, reads,
parses and replays what the files do, and asks nothing. What the rules may cost is what a target leaves above it.

With --sql, a folder of anybody's SQL is linted in every profile instead: it must not crash, and the share that parses
is told. PostgreSQL's own regression tests are in the source of its Debian package:

    apt-get source --download-only postgresql-15 && tar xjf postgresql-15_*.orig.tar.bz2
    bench/lint.py --sql postgresql-15.*/src/test/regress/sql

usage: bench/lint.py [CORPUS] [--files N] [--rounds N] [--no-speed] [--json FILE]    exit 1 when a target is missed
       bench/lint.py --sql FOLDER                                                   exit 1 when the linter fails
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dbkit.config import cache_dir
from dbkit.lint.rule import RECOMMENDED
from harness import Samples, interleave, table, verdict
from migration_files import generate

OWN_SQL = Path(__file__).resolve().parent.parent / "sql"
# Numbers of the catalogue -> what they are about; the traps are counted apart.
SECTIONS = {
    (1, 40): "locks and transactions",
    (41, 58): "destructive and compatibility",
    (59, 99): "types and modelling",
    (100, 139): "tenancy, row security, grants",
    (140, 199): "functions and cross-file",
}
COLD_RATIO, WARM_RATIO, CHANGED_SECONDS = 2.0, 1.0, 0.3
FLOOR = """
import gc, json, os, sys
gc.disable()
from pglast import parser
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    try:
        json.loads(parser.parse_sql_json(text))
    except parser.ParseError:
        pass
os._exit(0)
"""
NODE_PEERS = {
    "pgfence": ("@flvmnt/pgfence", ["analyze", "--output", "json"]),
    "postgres-language-server": ("@postgres-language-server/cli", ["check", "--max-diagnostics=none"]),
}


@dataclass(frozen=True)
class Case:
    """One entry of the manifest; `bad` is None for a trap."""

    number: str
    rule: str
    bad: Path | None
    good: Path

    @property
    def section(self) -> str:
        if self.bad is None:
            return "traps"
        number = int("".join(filter(str.isdigit, self.number)) or 0)
        return next((name for (first, last), name in SECTIONS.items() if first <= number <= last), "other")


@dataclass(frozen=True)
class Score:
    """What was reported for a case.

    Attributes:
        hits: rules reported for the bad file and not for the good one.
        alarms: rules reported for the good file at warning or above.
    """

    case: Case
    hits: tuple[str, ...]
    alarms: tuple[str, ...]


def main() -> int:
    options = arguments()
    if options.sql is not None:
        return 0 if endure(options.sql) else 1
    met = True
    if options.corpus is not None:
        scores = score(options.corpus)
        met = report_scores(scores)
        if options.json:
            rows = [{"case": item.case.number, "hits": item.hits, "alarms": item.alarms} for item in scores]
            options.json.write_text(json.dumps(rows, indent=1))
    if options.speed:
        peers = find_peers()
        with tempfile.TemporaryDirectory(prefix="dbkit-bench-") as folder:
            generate(Path(folder), options.files)
            met &= speed(Path(folder) / "plain", f"{options.files} generated migrations", peers, options.rounds)
        met &= speed(OWN_SQL, "the project's own sql/", peers, options.rounds)
    return 0 if met else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-speed", dest="speed", action="store_false")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--sql", type=Path, metavar="FOLDER")
    return parser.parse_args()


# ---------------------------------------------------------------------------------------------------------------------
# Corpus
# ---------------------------------------------------------------------------------------------------------------------


def score(corpus: Path) -> list[Score]:
    """Lint every file of the corpus and compare the bad with the good ones."""
    cases = []
    for entry in json.loads((corpus / "manifest.json").read_text()):
        files = {kind: corpus / file["path"] for kind, file in entry["files"].items()}
        cases.append(Case(entry["num"], entry["rule"], files.get("bad"), files["good"]))
    fixture = corpus / "fixture.sql"
    found = findings_of(
        [path for case in cases for path in (case.bad, case.good) if path is not None],
        ["--history", str(fixture)] if fixture.exists() else [],
    )
    scores = []
    for case in cases:
        good = found[case.good]
        bad = found[case.bad] if case.bad is not None else []
        names = {rule for rule, _ in good}
        hits = tuple(sorted({rule for rule, _ in bad} - names))
        scores.append(Score(case, hits, tuple(sorted({rule for rule, level in good if level != "note"}))))
    return scores


def findings_of(paths: list[Path], options: list[str]) -> dict[Path, list[tuple[str, str]]]:
    """(rule, severity) of every finding, by file; each file is judged by itself."""
    with tempfile.TemporaryDirectory(prefix="dbkit-bench-") as folder:
        # A project without settings: what anybody gets.
        (Path(folder) / "dbkit.toml").write_text("")
        command = [*linter(), "--each", "--profile", "recommended", "--format", "json", "--no-cache"]
        command += ["--config", str(Path(folder) / "dbkit.toml"), *options, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"dbkit lint failed:\n{done.stderr}")
    found: dict[Path, list[tuple[str, str]]] = {path: [] for path in paths}
    by_name = {path.absolute(): path for path in paths}
    for finding in json.loads(done.stdout)["findings"]:
        place = Path(finding["location"]["file"]).absolute()
        found[by_name[place]].append((finding["rule"], finding["severity"]))
    return found


def report_scores(scores: list[Score]) -> bool:
    """Print a line a case and the totals; whether everything was hit and nothing alarmed."""
    for item in scores:
        bad = "trap" if item.case.bad is None else "hit" if item.hits else "MISSED"
        alarm = f"  FALSE ALARM: {', '.join(item.alarms)}" if item.alarms else ""
        print(f"{item.case.number:>5} {item.case.rule:<40} {bad:<7} {', '.join(item.hits)}{alarm}".rstrip())
    groups: dict[str, list[Score]] = defaultdict(list)
    for item in scores:
        groups[item.case.section].append(item)
    rows = [(name, *_totals(groups[name])) for name in (*SECTIONS.values(), "other", "traps") if name in groups]
    print()
    print(table(("section", "hit", "of", "false alarms", "good files"), [*rows, ("all", *_totals(scores))]))
    hit, cases, alarms, _ = _totals(scores)
    met = hit == cases and alarms == 0
    print(f"corpus: {hit} of {cases} hit, {alarms} false alarms (target all, 0): {'met' if met else 'MISSED'}\n")
    return met


def _totals(scores: Iterable[Score]) -> tuple[int, int, int, int]:
    listed = list(scores)
    bad = [item for item in listed if item.case.bad is not None]
    return sum(bool(item.hits) for item in bad), len(bad), sum(bool(item.alarms) for item in listed), len(listed)


# ---------------------------------------------------------------------------------------------------------------------
# Anybody's SQL
# ---------------------------------------------------------------------------------------------------------------------


def endure(folder: Path) -> bool:
    """Lint a folder in every profile, as a line and each file by itself; whether the linter came through."""
    from dbkit.lint.rule import PROFILES
    from dbkit.parse import parse

    parsed = refused = 0
    files = sorted(folder.rglob("*.sql"))
    for path in files:
        script = parse(path.read_text(encoding="utf-8", errors="replace"))
        parsed += len(script.statements)
        refused += len(script.problems)
    print(f"{folder}: {len(files)} files, {parsed} statements, {refused} more that do not parse")
    rows, fine = [], True
    for profile, each in itertools.product(PROFILES, ([], ["--each"])):
        command = [*linter(), str(folder), "--no-cache", "--profile", profile, "--format", "json", *each]
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
        fine &= done.returncode in (0, 1)
        found = len(json.loads(done.stdout)["findings"]) if done.returncode in (0, 1) else "FAILED"
        rows.append((profile, "each" if each else "line", found, f"{seconds:.1f}"))
        if done.returncode not in (0, 1):
            print(done.stderr, file=sys.stderr)
    print(table(("profile", "judged", "findings", "s"), rows))
    return fine


# ---------------------------------------------------------------------------------------------------------------------
# Speed
# ---------------------------------------------------------------------------------------------------------------------


def speed(folder: Path, what: str, peers: dict[str, list[str]], rounds: int) -> bool:
    """Time every contender on a folder; whether the targets are met."""
    files = sorted(folder.rglob("*.sql"))
    listed = [str(path) for path in files]
    with tempfile.TemporaryDirectory(prefix="dbkit-bench-") as scratch:
        environment = _environment(Path(scratch))
        changing = Path(scratch) / "sql"
        for path in files:
            copy = changing / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        silent = Path(scratch) / "dbkit.toml"
        silent.write_text(f"[lint]\nignore = {json.dumps([RECOMMENDED])}\n")
        middle = changing / files[len(files) // 2].relative_to(folder)
        contenders: dict[str, Callable[[], object]] = {
            "dbkit, cold": partial(_run, [*linter(), str(folder), "--no-cache"], environment),
            "dbkit, warm": partial(_run, [*linter(), str(folder)], environment),
            "dbkit, one file changed": partial(_run_changed, changing, middle, environment),
            "dbkit, one file changed and named": partial(_run_changed, changing, middle, environment, named=True),
            "dbkit, no rule": partial(
                _run,
                [*linter(), str(folder), "--no-cache", "--profile", RECOMMENDED, "--config", str(silent)],
                environment,
            ),
            "parser floor": partial(_run, [sys.executable, "-c", FLOOR, *listed], environment),
        }
        for name, command in peers.items():
            contenders[name] = partial(_run, [*command, *listed], environment)
        samples = interleave(contenders, rounds, warm_up=1)
    print(f"{what}: {len(files)} files, whole process, {rounds} rounds, ms")
    rows = [(name, _ms(timed.median), _ms(timed.best), _ms(timed.cpu)) for name, timed in samples.items()]
    print(table(("", "median", "best", "CPU"), rows))
    met = _judge(samples)
    print()
    return met


def _judge(samples: dict[str, Samples]) -> bool:
    contenders = ("one file changed", "one file changed and named")
    figures = [(f"{name}, s", samples[f"dbkit, {name}"].median, CHANGED_SECONDS) for name in contenders]
    if "squawk" in samples:
        theirs = samples["squawk"]
        for name, target in (("cold", COLD_RATIO), ("warm", WARM_RATIO)):
            ours = samples[f"dbkit, {name}"]
            figures.append((f"{name} / squawk", ours.median / theirs.median, target))
            print(f"{name} / squawk in processor time: {ours.cpu / theirs.cpu:.2f}")
        for name in ("dbkit, no rule", "parser floor"):
            floor = samples[name]
            print(f"{name} / squawk: {floor.median / theirs.median:.2f}, processor time {floor.cpu / theirs.cpu:.2f}")
    for name, value, target in figures:
        print(verdict(name, value, target))
    return all(value <= target for _, value, target in figures)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _environment(scratch: Path) -> dict[str, str]:
    """An installed program has its bytecode; one run from a checkout may be told not to write it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"DBKIT_CACHE_DIR": str(scratch / "cache"), "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}


def linter() -> list[str]:
    """The console script beside this interpreter."""
    return [str(Path(sys.executable).parent / "dbkit"), "lint"]


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if command[1] == "lint" and done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command[:3])} failed:\n{done.stderr.decode()}")


_TURN = itertools.count()


def _run_changed(folder: Path, changed: Path, environment: dict[str, str], *, named: bool = False) -> None:
    """Run after a change to a file of the folder, never the same change."""
    with changed.open("a") as stream:
        stream.write(f"-- {next(_TURN)}\n")
    _run([*linter(), str(changed if named else folder)], environment)


def find_peers() -> dict[str, list[str]]:
    """Commands of the linters that can be had; says which cannot."""
    folder = cache_dir() / "bench-linters"
    found: dict[str, list[str]] = {}
    squawk = folder / "squawk" / "bin" / "squawk"
    if not squawk.exists():
        venv.create(folder / "squawk", with_pip=True)
        subprocess.run([squawk.with_name("pip"), "install", "-q", "squawk-cli"], capture_output=True, check=False)
    if squawk.exists():
        found["squawk"] = [str(squawk)]
    else:
        print("skipped: squawk could not be installed (pip install squawk-cli)")
    for name, (package, options) in NODE_PEERS.items():
        program = folder / "node_modules" / ".bin" / name
        if not program.exists():
            folder.mkdir(parents=True, exist_ok=True)
            install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), package]
            try:
                subprocess.run(install, capture_output=True, check=False)
            except FileNotFoundError:
                print("skipped: npm is not installed")
        if program.exists():
            found[name] = [str(program), *options]
        else:
            print(f"skipped: {name} could not be installed (npm install {package})")
    return found


if __name__ == "__main__":
    sys.exit(main())
