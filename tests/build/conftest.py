"""A project in a temporary folder, written from a few lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dbkit.config import Config, load_config

WriteProject = Callable[..., Config]


@pytest.fixture
def write_project(tmp_path: Path) -> WriteProject:
    """`write_project(modules, files, settings)`: dbkit.toml and files below it, loaded.

    Modules that a test calls `core` would shadow the packaged ones, so tests use names of their own.
    """

    def write(modules: Mapping[str, list[str]], files: Mapping[str, str], settings: str = "") -> Config:
        lines = ["[modules]", *(f"{name} = {needs!r}" for name, needs in modules.items())]
        (tmp_path / "dbkit.toml").write_text("\n".join(lines) + "\n" + settings)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return load_config(tmp_path / "dbkit.toml")

    return write
