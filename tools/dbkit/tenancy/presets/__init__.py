"""What the platform of a `[tenancy] preset` has in every database, for disposable servers that lack it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["platform_sql"]


def platform_sql(preset: str) -> str:
    """The script of a preset; it runs as superuser and may run again."""
    return (Path(__file__).parent / f"{preset}.sql").read_text(encoding="utf-8")
