"""Small pieces of Markdown that the reference pages share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["Headings", "cell", "code", "prose", "table"]


class Headings:
    """Anchors as GitHub makes them: lower case, no punctuation, a number for a heading that comes again."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def anchor(self, heading: str) -> str:
        """The anchor of the next heading with this text."""
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = self._seen[slug]
        self._seen[slug] += 1
        return f"{slug}-{number}" if number else slug


def prose(text: str) -> str:
    """Text in which nothing is taken for HTML; code spans stay as they are."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


def cell(text: str) -> str:
    """Text for one cell of a table: on one line, with its bars escaped."""
    return _line(prose(text))


def code(text: str) -> str:
    """A code span for a cell; empty stays empty."""
    return f"`{_line(text)}`" if text else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table, followed by an empty one; nothing where there are no rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return []
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *lines, ""]


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
