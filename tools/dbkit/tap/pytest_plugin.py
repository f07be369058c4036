"""pytest collects the pgTAP files of a project: `dbkit_pgtap = true` in pytest's ini file turns it on.

Each file is one item, run by the same engine on the same kind of clones as `dbkit test`. Under xdist every worker
process has a server of its own. Without the setting nothing is imported and nothing is collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dbkit.config import Config
    from dbkit.tap.runner import FileResult, Worker

__all__ = ["PgtapFile", "PgtapItem"]

_INI = "dbkit_pgtap"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_INI, "collect the pgTAP files under [test] paths of dbkit.toml", type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PgtapFile | None:
    if not parent.config.getini(_INI) or file_path.name.startswith("_"):
        return None
    from dbkit.tap.collect import SUFFIXES

    if file_path.suffix not in SUFFIXES:
        return None
    project = _session(parent.config).config
    folders = [project.resolve(path) for path in project.test.paths]
    if not any(file_path.is_relative_to(folder) for folder in folders):
        return None
    return PgtapFile.from_parent(parent, path=file_path)


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


class PgtapFile(pytest.File):
    """A file with pgTAP assertions."""

    def collect(self) -> Iterator[PgtapItem]:
        yield PgtapItem.from_parent(self, name="pgtap")


class PgtapItem(pytest.Item):
    """The run of one file: its assertions are known only after it."""

    def runtest(self) -> None:
        from dbkit.tap.collect import collect

        session = _session(self.config)
        (file,) = collect([self.path], session.config)
        result = session.worker.run(file)
        if result.skipped:
            pytest.skip(result.tap.skip_reason or "skipped by the file")
        if not result.passed:
            raise _Failed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        from dbkit.errors import DbkitError

        if isinstance(excinfo.value, _Failed):
            from dbkit.tap.report import file_lines

            return "\n".join(file_lines(excinfo.value.result)[1:])
        if isinstance(excinfo.value, DbkitError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


class _Failed(Exception):
    def __init__(self, result: FileResult) -> None:
        super().__init__(result.file.display)
        self.result = result


class _Session:
    """One worker with its server, made when the first item runs."""

    def __init__(self, rootpath: Path) -> None:
        from dbkit.config import CONFIG_NAME, load_config

        own = rootpath / CONFIG_NAME
        self.config: Config = load_config(own if own.is_file() else None)
        self._stack = ExitStack()
        self._worker: Worker | None = None

    @property
    def worker(self) -> Worker:
        if self._worker is None:
            from dbkit.tap.command import Options, open_source
            from dbkit.tap.runner import Worker

            source = self._stack.enter_context(open_source(self.config, Options()))
            self._worker = self._stack.enter_context(Worker(source))
        return self._worker

    def close(self) -> None:
        self._stack.close()


_SESSION = pytest.StashKey[_Session]()


def _session(config: pytest.Config) -> _Session:
    session = config.stash.get(_SESSION, None)
    if session is None:
        session = config.stash[_SESSION] = _Session(config.rootpath)
    return session
