"""Whether a database signs or seals the settings its policies read, so that one written by hand opens nothing."""

from __future__ import annotations

import re

from dbkit.tenancy.relations import Relations

__all__ = ["seals_settings"]

_SETTING = re.compile(r"\b(?:current_setting|set_config)\s*\(", re.IGNORECASE)
_DIGEST = re.compile(r"\b(?:sha(?:224|256|384|512)|md5|hmac|digest|crypt|verify|pgp_sym_\w+)\s*\(", re.IGNORECASE)
_CALL_DEPTH = 4


def seals_settings(relations: Relations) -> bool:
    """Whether a function that reads or writes settings computes or checks a digest, by itself or through others."""
    sealing = {name for name, source in relations.sources.items() if _DIGEST.search(source)}
    for _ in range(_CALL_DEPTH):
        called = "|".join(re.escape(name.rpartition(".")[2]) for name in sealing)
        if not called:
            return False
        calls = re.compile(rf"\b(?:{called})\s*\(", re.IGNORECASE)
        sealing |= {name for name, source in relations.sources.items() if calls.search(source)}
    return any(_SETTING.search(relations.sources[name]) for name in sealing)
