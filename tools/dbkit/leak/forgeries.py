"""Ways to write settings by hand, past the context statement: what an attacker tries who may run SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from dbkit.leak.rows import Identity
from dbkit.leak.states import State, Step, set_setting, strict
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import TEXTS_KEPT, literal

__all__ = ["SWITCH", "forged_states", "identity_for"]

SWITCH = re.compile(r"admin|bypass|super|system|service|internal|staff|support|skip|disable|role", re.IGNORECASE)
_CLAIMS = "request.jwt.claim"
# A key rather than a word: long, of letters and digits.
_SECRET = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[^\s]{12,}")
_CONSTANT = re.compile(r"'((?:[^']|'')+)'")
_MODELS_KEPT = 16
_USER_SETTING = re.compile(r"user|sub$|member|actor|person|uid", re.IGNORECASE)
_TENANT_SETTING = re.compile(
    r"tenant|org|compan|account|workspace|team|customer|agenc|clinic|shop|store|landlord|owner|current", re.IGNORECASE
)


def forged_states(
    model: Model, scope: ScopeModel, right: Iterable[str], attacker: Identity, victim: Identity
) -> Iterator[State]:
    """Ways to write settings by hand. What a believed context stores itself is its contract, not an attack.

    Args:
        right: the attacker's own context.
    """
    believed = scope.trusts_settings and not scope.scope.signed
    context_text = " ".join(scope.scope.context) if believed else ""
    settings = [name for name in model.relations.settings if name not in context_text]
    if _CLAIMS in context_text:
        # The gateway that writes the claims writes all of them, the older ones that name one claim each included.
        settings = [name for name in settings if not name.startswith(_CLAIMS)]
    if not settings:
        return
    if not scope.trusts_settings:
        replaced = [Step(_replace_ids(name, attacker, victim), tolerant=True) for name in settings]
        yield State(
            "forged", "ids swapped after the right context", steps=(*strict(right), *replaced), open_to_own=True
        )
        named = [(name, identity_for(name, victim) or _carried(name, scope, victim)) for name in settings]
        bare = [Step(set_setting(name, literal(value)), tolerant=True) for name, value in named if value is not None]
        if bare:
            # Where the login is the context, nothing takes the own rows away.
            by_login = not scope.scope.context
            yield State("forged", "ids of the other tenant, no context", steps=tuple(bare), open_to_own=by_login)
    compared = _compared_constants(model, settings)
    switches = [name for name in settings if SWITCH.search(name) or compared[name]]
    for values in _switch_values(switches, compared):
        steps = [Step(set_setting(name, literal(values[name])), tolerant=True) for name in switches]
        variant = ", ".join(f"{name} = {values[name]}" for name in switches)
        yield State("forged", variant, steps=(*strict(right), *steps), open_to_own=True)


def _carried(name: str, scope: ScopeModel, victim: Identity) -> str | None:
    """The victim's id alone, for a setting that the context statement fills with an id and what vouches for it."""
    for statement in scope.scope.context if not scope.scope.signed else ():
        if f"'{name}'" in statement and "{tenant}" in statement:
            return victim.context_tenant
        if f"'{name}'" in statement and "{user}" in statement:
            return victim.user
    return None


def _switch_values(switches: list[str], compared: Mapping[str, list[str]]) -> Iterator[Mapping[str, str]]:
    """'true', and whatever constants the settings are compared with."""
    if not switches:
        return
    found = {name: ["true", *compared[name]] for name in switches}
    for number in range(max(map(len, found.values()))):
        yield {name: values[min(number, len(values) - 1)] for name, values in found.items()}


def _compared_constants(model: Model, settings: Iterable[str]) -> dict[str, list[str]]:
    """Words that policies and functions compare each setting with; a key is not guessed."""
    policies = [policy for table in model.relations.base_tables for policy in table.policies]
    texts = [text for policy in policies for text in policy.texts]
    asked = tuple(dict.fromkeys((*texts, *model.relations.sources.values())))
    return _constants(tuple(settings), tuple(model.relations.helpers.items()), asked)


@lru_cache(maxsize=_MODELS_KEPT)
def _constants(
    settings: tuple[str, ...], readers: tuple[tuple[str, str], ...], texts: tuple[str, ...]
) -> dict[str, list[str]]:
    asked = {text: _lowered(text) for text in texts}
    found = {}
    for name in settings:
        read = rf"current_setting\(\s*'{re.escape(name)}'[^)]*\)"
        naming = [text for text, lowered in asked.items() if name.lower() in lowered]
        helpers = [helper.rpartition(".")[2] for helper, source in readers if re.search(read, source, re.IGNORECASE)]
        variables = [variable for text in naming for variable in _given(read, text)]
        # The setting itself, functions without arguments that read it, variables that were given it; each with a word
        # that is looked for first, since patterns over every body of a database take seconds.
        ways = [(name, read)]
        ways += [(helper, rf"\b{re.escape(helper)}\(\)") for helper in helpers]
        ways += [(variable, rf"\b{variable}\b") for variable in dict.fromkeys(variables)]
        words = [
            word
            for mark, way in ways
            for text, lowered in asked.items()
            if mark.lower() in lowered
            for word in _words_beside(way, text)
        ]
        found[name] = [word for word in dict.fromkeys(words) if not _SECRET.fullmatch(word)]
    return found


@lru_cache(maxsize=TEXTS_KEPT)
def _lowered(text: str) -> str:
    return text.lower()


@lru_cache(maxsize=TEXTS_KEPT)
def _given(read: str, text: str) -> tuple[str, ...]:
    """Variables of a body that are assigned what this pattern reads."""
    return tuple(re.findall(rf"\b(\w+)(?:\s+\w+)?\s*:=[^;]*?{read}", text, re.IGNORECASE))


@lru_cache(maxsize=TEXTS_KEPT)
def _words_beside(way: str, text: str) -> tuple[str, ...]:
    """The constants one way of reading a setting is compared with; 'true' where it is taken for a boolean."""
    rest = r"(?:\s|\)|::[\w \"]+|,\s*'[^']*')*"
    listed = r"(?:any\s*)?\(*(?:array)?[\[(]?((?:\s*'(?:[^']|'')+'(?:::[\w \[\]]+)?\s*,?)+)"
    compared = rf"{way}{rest}(?:=|<>|\bin\b|\bis\s+not\s+distinct\s+from\b)\s*{listed}"
    words = [word for match in re.finditer(compared, text, re.IGNORECASE) for word in _CONSTANT.findall(match[1])]
    words += re.findall(rf"'((?:[^']|'')+)'(?:::\w+)?\)*\s*=\s*[\w(]*{way}", text, re.IGNORECASE)
    if re.search(rf"{way}(?:\s|\)|,\s*'[^']*')*::\s*bool", text, re.IGNORECASE):
        words.append("true")
    return tuple(words)


def _replace_ids(name: str, attacker: Identity, victim: Identity) -> str:
    current = f"coalesce(current_setting({literal(name)}, true), '')"
    for own, foreign in ((attacker.context_tenant, victim.context_tenant), (attacker.user, victim.user)):
        if own and foreign and own != foreign:
            current = f"replace({current}, {literal(own)}, {literal(foreign)})"
    return set_setting(name, current)


def identity_for(name: str, victim: Identity) -> str | None:
    """What a setting or claim of this name would hold for the victim; None for other names."""
    last = name.rpartition(".")[2]
    if _USER_SETTING.search(last):
        return victim.user
    return victim.context_tenant if _TENANT_SETTING.search(last) else None
