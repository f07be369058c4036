"""Names that stand in a file's text: what dynamic SQL, a DO block or a comment says of objects no tree shows.

A comment speaks of an object where it writes the name as one (`app_reader`, `app.orders`) or says what it is (`role
reporting`); any other word of it is English.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dbkit.patterns import lazy_pattern

if TYPE_CHECKING:
    from dbkit.lint.engine import Context
    from dbkit.lint.files import LintFile

__all__ = ["is_named_before", "is_named_in", "names_in_comments"]

_COMMENT = lazy_pattern(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = lazy_pattern(
    r"\b(?:extension|function|group|role|schema|sequence|table|type|user|view)s?\s+[\"'`]?([\w.-]+)"
    r"|\b(\w*[A-Za-z]\w*(?:[_.]\w+)+)"
)


def names_in_comments(text: str) -> frozenset[str]:
    """Names the comments of a text speak of, without their schemas."""
    if "--" not in text and "/*" not in text:
        return frozenset()
    comments = " ".join(_COMMENT.findall(text))
    return frozenset(part for found in _NAME.findall(comments) for name in found for part in name.split(".") if part)


def is_named_before(name: str, context: Context) -> bool:
    """Whether an earlier file of the series names an object, in whatever way."""
    return any(is_named_in(file, name) for file in context.series.files[: context.series.place[context.file]])


def is_named_in(file: LintFile, name: str) -> bool:
    """Whether the code or a comment of a file names an object."""
    if name not in file.text:
        return False
    word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    return name in names_in_comments(file.text) or word.search(_COMMENT.sub(" ", file.text)) is not None
