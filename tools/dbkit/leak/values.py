"""Values for columns: a first guess by type and name, and further candidates read out of CHECK expressions.

Every value is text in PostgreSQL's own input format, so that one quoted literal serves every type.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator

from dbkit.leak.regex import example
from dbkit.tenancy.relations import Check, Column

__all__ = ["SECRET", "check_candidates", "first_value", "is_role_column", "marker", "privileged_first"]

# Names of what only its owner can know.
SECRET = re.compile(
    r"token|secret|passw|passcode|pwd|hash|otp|(?:^|_)pin(?:$|_)|api_?key|signature|nonce|salt|verifier|session|magic"
    r"|seal|cookie|credential|private|recovery|verification|(?:^|_)mac(?:$|_)",
    re.IGNORECASE,
)
_INTEGERS = {"int2": 30_000, "int4": 900_000_000, "int8": 900_000_000_000}
_TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name", "char"})
_ROLE_COLUMN = re.compile(r"(?:^|_)(?:role|role_key|role_name|member_role|access_level|permission_level)$")
_PRIVILEGED = ("owner", "admin", "administrator", "manager")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.'])")
_REGEX = re.compile(r"(?:~\*?|SIMILAR TO)\s*'((?:[^']|'')*)'", re.IGNORECASE)
_LENGTH = re.compile(r"(?:char_length|character_length|octet_length|length)\s*\(", re.IGNORECASE)
_LONGEST = 4096

_BY_NAME: tuple[tuple[str, str], ...] = (
    (r"e?mail", "{slug}@example.com"),
    (r"phone|mobile|fax", "+1555{number:07d}"),
    (r"url|uri|website|origin|href|link", "https://{slug}.example.com"),
    (r"domain|host(?:name)?", "{slug}.example.com"),
    (r"currency", "EUR"),
    (r"country(?:_code)?", "DE"),
    (r"locale|language|lang", "en"),
    (r"time_?zone|tz", "UTC"),
    (r"colou?r", "#{hex}"),
    (r"slug|handle|subdomain", "{slug}"),
    (r"path", "/{slug}"),
    (r"ip|ip_address", "192.0.2.{small}"),
)

_BY_TYPE: dict[str, str] = {
    "bool": "false",
    "float4": "{small}",
    "float8": "{small}",
    "money": "{small}",
    "oid": "{small}",
    "date": "2030-01-{day:02d}",
    "timestamp": "2030-01-{day:02d} 00:00:00",
    "timestamptz": "2030-01-{day:02d} 00:00:00+00",
    "time": "0{digit}:00:00",
    "timetz": "0{digit}:00:00+00",
    "interval": "{small} days",
    "json": "{{}}",
    "jsonb": "{{}}",
    "inet": "192.0.2.{small}",
    "cidr": "192.0.2.{small}/32",
    "macaddr": "08:00:2b:01:02:{small:02x}",
    "macaddr8": "08:00:2b:01:02:03:04:{small:02x}",
    "xml": "<a/>",
    "tsvector": "leak",
    "tsquery": "leak",
    "point": "({small},0)",
    "line": "{{1,2,3}}",
    "lseg": "[(0,0),(1,{small})]",
    "box": "((0,0),(1,{small}))",
    "path": "[(0,0),(1,{small})]",
    "polygon": "((0,0),(1,{small}),(2,0))",
    "circle": "<(0,0),{small}>",
    "int4range": "[{start},{end})",
    "int8range": "[{start},{end})",
    "numrange": "[{start},{end})",
    "daterange": "[2030-01-{day:02d},2030-01-{next_day:02d})",
    "tsrange": "[2030-01-{day:02d} 00:00:00,2030-01-{next_day:02d} 00:00:00)",
    "tstzrange": "[2030-01-{day:02d} 00:00:00+00,2030-01-{next_day:02d} 00:00:00+00)",
    "ltree": "leak.{hex}",
    "hstore": "",
}


def marker(table: str, column: str, who: str, number: int) -> str:
    """A text nobody else's row holds, so that it is recognised wherever it turns up."""
    return f"{column} of {who} {_digest(table, column, who, number)[:8]}"


def first_value(table: str, column: Column, who: str, number: int) -> str | None:
    """A plausible value of the column's type for row `number` of the slot `who`; None where only NULL can be offered.

    Args:
        number: counts the attempts for one column, so that a second try differs from the first.
    """
    if column.labels:
        return column.labels[0]
    base = column.base
    if base in _TEXTS:
        return _text(table, column, who, number)
    seed = int(_digest(table, column.name, who, number)[:8], 16)
    if base in _INTEGERS:
        return str(1000 + seed % (_INTEGERS[base] - 1000))
    if base == "numeric":
        # Without a precision there is room for a number that is recognised wherever it turns up.
        if column.type == "numeric":
            return str(10_000_000 + seed % 80_000_000)
        # Where there is none, the numbers of two rows differ at least, so that a figure over both tells of each.
        digits = re.fullmatch(r"numeric\((\d+)(?:,(\d+))?\)", column.type)
        roomy = digits is not None and int(digits[1]) - int(digits[2] or 0) >= 6
        return str(100 + seed % 800) if roomy else str(1 + number % 9)
    if base == "uuid":
        return str(uuid.UUID(_digest(table, column.name, who, number)[:32]))
    if base == "bytea":
        return "\\x" + _digest(table, column.name, who, number)[:16]
    if base in ("bit", "varbit"):
        width = re.search(r"\((\d+)\)", column.type)
        return "1" * int(width.group(1)) if width else "1"
    if base.startswith("_"):
        return "{}"
    if base.endswith("multirange"):
        return "{}"
    template = _BY_TYPE.get(base)
    return template.format(**_parts(seed)) if template is not None else None


def check_candidates(column: Column, checks: Iterable[Check], who: str, number: int) -> list[str | None]:
    """Values worth trying for a column that the checks mention, likeliest first, without repetition."""
    return list(dict.fromkeys(_candidates(column, checks, who, number)))


def is_role_column(name: str) -> bool:
    return _ROLE_COLUMN.search(name) is not None


def privileged_first(values: Iterable[str]) -> list[str]:
    """Role names, the mightiest first: the attacker is given every right inside its own tenant."""
    ranks = {name: rank for rank, name in enumerate(_PRIVILEGED)}
    return sorted(values, key=lambda value: ranks.get(value.lower(), len(ranks)))


def _candidates(column: Column, checks: Iterable[Check], who: str, number: int) -> Iterator[str | None]:
    texts: list[str] = []
    numbers: list[str] = []
    for check in checks:
        patterns = [text.replace("''", "'") for text in _REGEX.findall(check.expression)]
        for pattern in patterns:
            for salt in (_digest(column.name, who, number), ""):
                sample = example(pattern, salt)
                if sample is not None:
                    texts.append(sample)
        constants = [text.replace("''", "'") for text in _STRING.findall(check.expression)]
        texts += [text for text in constants if text not in patterns]
        found = _NUMBER.findall(_STRING.sub("''", check.expression))
        numbers += found
        if _LENGTH.search(check.expression):
            texts += _of_length(column, who, number, found)
    if column.base in _TEXTS:
        yield from texts
        yield from _spellings(_text("", column, who, number))
    elif column.base == "bool":
        yield from ("false", "true")
    elif column.base in _INTEGERS or column.base in ("numeric", "float4", "float8"):
        yield from ("1", "0", *numbers)
        for value in numbers:
            if "." not in value:
                yield from (str(int(value) + 1), str(int(value) - 1))
    else:
        yield from texts
        yield from (first_value("", column, who, attempt) for attempt in range(number, number + 3))
        yield from _round_values(column, who, number)
    if column.nullable:
        yield None


def _spellings(text: str) -> Iterator[str]:
    """A text in the forms that checks demand: letters and digits only, one case, no blanks."""
    bare = re.sub(r"[^A-Za-z0-9]", "", text)
    for form in (bare, text.replace(" ", "-"), text.title()):
        yield from (form, form.lower(), form.upper())


def _round_values(column: Column, who: str, number: int) -> Iterator[str]:
    """Days on which months, years and weeks begin and end, times on the hour; ranges from short to long."""
    seed = int(_digest(column.name, who, number)[:8], 16)
    year = 2030 + seed % 60
    days = [f"{year}-{1 + seed % 12:02d}-01", f"{year}-01-01", f"{year}-12-31", f"{year - 60}-06-30"]
    days += [f"{year}-06-{day:02d}" for day in range(1, 8)]
    if column.base in ("date", "timestamp", "timestamptz"):
        yield from days
        yield from (f"{day} 12:00:00" for day in days if column.base != "date")
    elif column.base in ("time", "timetz"):
        yield from ("12:00:00", "00:00:00", "18:00:00", "06:00:00")
    elif column.base.startswith("_"):
        yield from ("{1}", "{leak}", "{1,2}")
    elif column.base == "interval":
        yield from ("1 hour", "1 minute", "1 day", "1 month", "0")
    elif column.base in ("tsrange", "tstzrange"):
        day = f"{year}-{1 + seed % 12:02d}-{1 + seed % 27:02d}"
        for end in (f"{day} 12:15", f"{day} 13:00", f"{day} 16:00", f"{year}-12-31 12:00", f"{year + 1}-12-31 12:00"):
            yield f"[{day} 12:00,{end})"
    elif column.base == "daterange":
        for end in (f"{year}-06-08", f"{year}-06-15", f"{year}-07-01", f"{year + 1}-06-01"):
            yield f"[{year}-06-01,{end})"
    elif column.base in ("int4range", "int8range", "numrange"):
        start = seed % 1_000_000 * 1000
        yield from (f"[{start},{start + length})" for length in (2, 5, 10, 24, 60, 100, 500, 999))


def _of_length(column: Column, who: str, number: int, bounds: Iterable[str]) -> Iterator[str]:
    base = _text("", column, who, number) or "x"
    for bound in bounds:
        if bound.isdigit() and 0 < int(bound) <= _LONGEST:
            yield (base + "x" * int(bound))[: int(bound)]
            yield (base + "x" * int(bound))[: max(int(bound) - 1, 1)]
            yield (base + "x" * int(bound)) + "x"


def _text(table: str, column: Column, who: str, number: int) -> str:
    digest = _digest(table, column.name, who, number)
    slug = f"leak-{who.lower()}-{digest[:8]}"
    text = marker(table, column.name, who, number)
    for pattern, template in _BY_NAME:
        if re.search(rf"(?:^|_)(?:{pattern})(?:$|_)", column.name):
            text = template.format(slug=slug, **_parts(int(digest[:8], 16)))
            break
    if column.length is not None and len(text) > column.length:
        text = digest[: column.length]
    if column.base == "char":
        text = text[:1]
    return text


def _parts(seed: int) -> dict[str, object]:
    return {
        "number": seed % 10_000_000,
        "hex": f"{seed % 0xFFFFFF:06x}",
        "small": 1 + seed % 250,
        "digit": seed % 10,
        "day": 1 + seed % 27,
        "next_day": 2 + seed % 27,
        "start": seed % 1_000_000 * 2,
        "end": seed % 1_000_000 * 2 + 1,
    }


def _digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()
