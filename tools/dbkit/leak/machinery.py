"""What runs by itself when a row is written: triggers and rules, and which relations their bodies mention.

Names are found as words, one level of called functions deep. A name too many costs an observation; that a body is
reached by one name too few is why observations also look at the written relation itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from dbkit.leak.session import Session
from dbkit.tenancy.relations import TEXTS_KEPT, Relations, Table

__all__ = ["Machinery", "mentioned", "read_machinery", "with_called", "words"]

_TRIGGERS = """
select t.tgrelid::bigint, p.prosrc from pg_trigger t join pg_proc p on p.oid = t.tgfoid
where not t.tgisinternal and t.tgenabled <> 'D'
"""
_RULES = """
select ev_class::bigint, pg_get_ruledef(oid) from pg_rewrite where ev_type <> '1' and ev_enabled <> 'D'
"""
_BODIES = """
select p.proname, p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ('pg_catalog', 'information_schema') and p.prokind in ('f', 'p')
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
"""
_WRITTEN = re.compile(r'\binsert\s+into\s+(?:"?[\w$]+"?\s*\.\s*)?"?([\w$]+)"?', re.IGNORECASE)


@dataclass
class Machinery:
    """Relation -> the bodies that run when it is written.

    Attributes:
        bodies: texts of its triggers' functions and of its rules, called functions included.
        functions: every function of the database's own by its name, for policies that call one.
    """

    bodies: dict[str, list[str]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)

    def text(self, table: Table) -> str:
        return "\n".join(self.bodies.get(table.qualified, ()))


def read_machinery(session: Session, relations: Relations) -> Machinery:
    by_oid = {str(table.oid): table.qualified for table in relations.tables.values()}
    found = Machinery()
    for name, body in session.must(_BODIES).rows:
        found.functions[name or ""] = found.functions.get(name or "", "") + (body or "")
    for query in (_TRIGGERS, _RULES):
        for oid, body in session.must(query).rows:
            if oid in by_oid:
                found.bodies.setdefault(by_oid[oid], []).append(with_called(body or "", found.functions))
    return found


def with_called(text: str, functions: Mapping[str, str]) -> str:
    """A text followed by the bodies of the functions it calls."""
    called = words(text) & functions.keys()
    return "\n".join([text, *(functions[name] for name in sorted(called))])


@lru_cache(maxsize=TEXTS_KEPT)
def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Za-z_][\w$]*", text))


def mentioned(text: str, tables: Iterable[Table], *, looked_up: bool = False) -> list[Table]:
    """The tables a text names.

    Args:
        looked_up: leave out those that it only inserts into.
    """
    bare = _WRITTEN.sub("insert into", text) if looked_up else text
    names = words(bare)
    return [table for table in tables if table.name in names]
