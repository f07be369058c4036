"""Which folder's migrations a single file is one of, by names alone: asked before anything else is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["folders_around", "marked_root"]


def marked_root(folder: Path, names: set[str]) -> Path | None:
    """The folder of migrations that files belong to whose names, or a plan above them, tell a layout for certain.

    Args:
        names: the names of the files in the folder.
    """
    if any(name.endswith((".up.sql", ".down.sql")) for name in names):
        return folder  # golang-migrate
    if not os.access(folder.parent, os.R_OK):
        return None
    if names <= {"migration.sql", "up.sql", "down.sql"} and folder.name[:1].isdigit():
        return folder.parent  # prisma, diesel
    return folder.parent if (folder.parent / "sqitch.plan").is_file() else None


def folders_around(files: Iterable[Path]) -> set[str]:
    """The folders whose files may be read when these are judged, each without what stands below it."""
    names: dict[Path, set[str]] = {}
    for file in files:
        names.setdefault(file.absolute().parent, set()).add(file.name)
    folders = set()
    for folder, inside in names.items():
        root = marked_root(folder, inside)
        folders.add(str(folder))
        if root is not None:
            with os.scandir(root) as entries:
                folders.update((str(root), *(entry.path for entry in entries if entry.is_dir())))
    return folders
