"""Names that differ in one word said as one: `owners_can_{select,update}_own_notes`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

__all__ = ["name_patterns"]

_WORDS = re.compile(r"([\W_]+)")


def name_patterns(names: Iterable[str]) -> list[str]:
    """The names, those that are the same but for one word together, in order of first appearance.

    A name is in one pattern only: in the one that says most names at once.
    """
    left = list(dict.fromkeys(names))
    patterns: list[tuple[int, str]] = []
    order = {name: number for number, name in enumerate(left)}
    while left:
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in left:
            words = _WORDS.split(name)
            for at in range(0, len(words), 2):
                if len(words) > 1:
                    alike[(*words[:at], "", *words[at + 1 :])].append(name)
        shape, group = max(alike.items(), key=lambda each: len(each[1]), default=((), left[:1]))
        if len(group) < 2:
            patterns += [(order[name], name) for name in left]
            break
        at = shape.index("")
        differing = ",".join(_WORDS.split(name)[at] for name in group)
        patterns.append((order[group[0]], "".join([*shape[:at], f"{{{differing}}}", *shape[at + 1 :]])))
        left = [name for name in left if name not in group]
    return [pattern for _, pattern in sorted(patterns)]
