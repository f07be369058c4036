"""pytest collects the pgTAP files of a project: `dbkit_pgtap = true` in pytest's ini file turns it on.

Each file is one item, run by the same engine on the same kind of clones as `dbkit test`, and a second time where it
counts on files before it that commit. Under xdist every worker process has a server of its own. Without the setting
nothing is imported and nothing is collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dbkit.config import Config
    from dbkit.tap.collect import TestFile
    from dbkit.tap.databases import Source
    from dbkit.tap.result import FileResult
    from dbkit.tap.sequence import OneDatabase
    from dbkit.tap.worker import Worker

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
        result = _session(self.config).run(self.path)
        if result.after:
            self.add_report_section("call", "dbkit", f"ran again after {', '.join(result.after)}")
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
    """The databases that the items of this process run in, made when the first one runs."""

    def __init__(self, rootpath: Path) -> None:
        from dbkit.config import CONFIG_NAME, load_config

        own = rootpath / CONFIG_NAME
        self.config: Config = load_config(own if own.is_file() else None)
        self._stack = ExitStack()

    def run(self, path: Path) -> FileResult:
        """Run a file, a second time if it counts on files of the project that commit."""
        from dbkit.tap.collect import collect
        from dbkit.tap.sequence import counts_on_others

        (file,) = collect([path], self.config)
        result = self._worker.run(file)
        if not result.passed and counts_on_others(result, self._suite, self._source):
            return self._one_database.run_again(result)
        return result

    def close(self) -> None:
        self._stack.close()

    @cached_property
    def _source(self) -> Source:
        from dbkit.tap.command import Options, open_source

        return self._stack.enter_context(open_source(self.config, Options()))

    @cached_property
    def _worker(self) -> Worker:
        from dbkit.tap.worker import Worker

        return self._stack.enter_context(Worker(self._source))

    @cached_property
    def _suite(self) -> list[TestFile]:
        """Every file of the project: pytest may have been asked for one of them."""
        from dbkit.tap.command import Options, test_files

        return test_files(self.config, Options())

    @cached_property
    def _one_database(self) -> OneDatabase:
        from dbkit.tap.sequence import OneDatabase

        return self._stack.enter_context(OneDatabase(self._suite, self._source))


_SESSION = pytest.StashKey[_Session]()


def _session(config: pytest.Config) -> _Session:
    session = config.stash.get(_SESSION, None)
    if session is None:
        session = config.stash[_SESSION] = _Session(config.rootpath)
    return session
