"""Which tables' policies ask about a table, by themselves or through the functions they call.

Most policies compare a column with the context and ask about no table at all. So what changes in one table can open
rows in few others, and only those have to be looked at again: a proof that looked everywhere would grow with the square
of the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from dbkit.tenancy.relations import TEXTS_KEPT, Policy, Relations

__all__ = ["asking", "mentions"]

_WORD = re.compile(r"\w+")


def asking(relations: Relations) -> dict[str, frozenset[str]]:
    """Table -> tables with a policy that mentions it, functions that the policy calls included.

    A function with dynamic SQL mentions every table.
    """
    sources: dict[str, set[str]] = {}
    for qualified, source in relations.sources.items():
        sources.setdefault(qualified.rpartition(".")[2].lower(), set()).update(_words([source]))
    mentioned = {}
    for table in relations.base_tables:
        mentioned[table.qualified] = _with_functions(_words(_texts(table.policies)), sources)
    found = {}
    for asked in relations.base_tables:
        name = _words([asked.name])
        found[asked.qualified] = frozenset(
            asker for asker, words in mentioned.items() if name <= words or "execute" in words
        )
    return found


def mentions(policies: Iterable[Policy], columns: Iterable[str]) -> bool:
    """Whether one of the policies says the name of one of the columns itself."""
    words = _words(_texts(policies))
    return any(_words([column]) <= words for column in columns)


def _texts(policies: Iterable[Policy]) -> list[str]:
    return [text for policy in policies for text in policy.texts]


def _with_functions(words: set[str], sources: dict[str, set[str]]) -> set[str]:
    """The words and those of every function among them."""
    found, waiting = set(words), [name for name in words if name in sources]
    while waiting:
        new = sources[waiting.pop()] - found
        found |= new
        waiting += [name for name in new if name in sources]
    return found


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _words_of(text)}


@lru_cache(maxsize=TEXTS_KEPT)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))
