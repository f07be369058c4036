"""Lint, or say again what an earlier run over the same input found: the linter's front door.

A run is known by a digest of everything it depends on: the linter itself, the project file, the arguments, and the
bytes of every file that may be read. Nothing else is imported before that digest is known to be new, so that a second
run over a thousand files costs hardly more than reading them.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dbkit.config import Config, cache_dir
from dbkit.lint.lines import folders_around
from dbkit.lint.result import LintResult
from dbkit.lint.store import blake2b, code_digest, finding_of, forget_oldest, is_ours, row_of, write_whole
from dbkit.report import Report

if TYPE_CHECKING:
    from dbkit.lint.sizes import Sizes

__all__ = ["lint"]

# What layouts keep beside their SQL and read: sqitch.plan, migration_lock.toml, metadata.toml, V1__a.sql.conf.
_SETTINGS = (".plan", ".toml", ".conf")

_Read = dict[str, bytes]  # bytes of files by absolute path


def lint(
    config: Config,
    paths: Sequence[Path] = (),
    *,
    history: Sequence[Path] = (),
    each: bool = False,
    profile: str | None = None,
    only: Collection[Path] | None = None,
    remember: bool = True,
    sizes: Sizes | None = None,
) -> LintResult:
    """Judge SQL files; arguments and errors are those of `dbkit.lint.engine.lint`.

    Args:
        remember: use and keep what runs over the same files left in the cache folder.
    """
    folder = cache_dir() / "lint"
    if not (remember and is_ours(folder)):
        from dbkit.lint.engine import lint as judge

        return judge(config, paths, history=history, each=each, profile=profile, only=only, remember=False, sizes=sizes)
    contents: _Read = {}
    chosen = None if only is None else sorted(map(str, only))
    options = (list(map(str, paths)), list(map(str, history)), each, profile, chosen, sizes)
    kept = folder / f"findings-{_digest(config, paths, history, repr(options), contents)}"
    known = _recalled(kept, contents)
    if known is not None:
        return known
    from dbkit.lint.engine import lint as judge

    result = judge(
        config, paths, history=history, each=each, profile=profile, only=only, sizes=sizes, contents=contents
    )
    _keep(kept, result)
    return result


def _digest(config: Config, paths: Sequence[Path], history: Sequence[Path], options: str, read: _Read) -> str:
    """Changes with anything the findings depend on; fills in what was read."""
    from dbkit.source import read_bytes

    digest = blake2b(f"{code_digest()}\0{config!r}\0{Path.cwd()}\0{options}".encode(), digest_size=16)
    named = [*paths, *history]
    roots = {str(root.absolute()) for root in (*named, *_own_roots(config, paths)) if root.is_dir()}
    whole = {root for root in roots if not any(root.startswith(other + os.sep) for other in roots)}
    # A file is judged after others of its line.
    for folder in sorted(whole | folders_around(path for path in named if path.is_file())):
        for path in _inputs(folder, deep=folder in whole):
            try:
                data = read_bytes(path)
                read[path] = data
            except OSError as error:  # the run will say so
                data = str(error).encode()
            digest.update(f"{path}\0{len(data)}\0".encode(errors="surrogatepass"))
            digest.update(data)
    return digest.hexdigest()


def _own_roots(config: Config, paths: Sequence[Path]) -> list[Path]:
    """Folders of the project itself that are read, where what is named has to do with it."""
    from dbkit.source import packaged_root, sql_root

    own = [sql_root(config), config.resolve(config.migrations.dir)]
    named = [f"{path.absolute()}{os.sep}" for path in paths]
    folders = [f"{root.absolute()}{os.sep}" for root in own]
    if named and not any(a.startswith(b) or b.startswith(a) for a in named for b in folders):
        return []
    return [*own, packaged_root()] if config.modules else own


def _inputs(folder: str, *, deep: bool) -> Iterator[str]:
    """Path of every file the linter may read, in a fixed order."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        if not deep:
            folders.clear()
        for name in sorted(files):
            if name.endswith(".sql") or name.endswith(_SETTINGS):
                yield f"{place}{os.sep}{name}"


def _recalled(kept: Path, contents: dict[str, bytes]) -> LintResult | None:
    try:
        stored = marshal.loads(kept.read_bytes())  # a third of the time JSON takes
        findings = [finding_of(row) for row in stored["findings"]]
        places = {finding.location.file for finding in findings if finding.location}
        texts = {place: contents[str(Path(place).absolute())].decode("utf-8-sig") for place in places}
        return LintResult(Report("lint", findings, stored["summary"]), texts, stored["baseline"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a memory that cannot be read is no memory


def _keep(kept: Path, result: LintResult) -> None:
    """A full disk or a folder that cannot be written costs the memory, not the run."""
    stored = {
        "summary": result.report.summary,
        "baseline": result.baseline,
        "findings": [row_of(finding) for finding in result.report.findings],
    }
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(kept, marshal.dumps(stored))
        forget_oldest(kept)
