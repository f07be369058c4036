"""A product with plain settings as its context, broken in one place at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leak_schema import execute

from dbkit.leak import Proof, prove
from dbkit.leak.render import report_of
from dbkit.postgres import Database
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import parse_declaration

__all__ = ["PLAIN_TENANCY", "Twin", "errors_of", "plain_sql", "proof_of"]

PLAIN_TENANCY: dict[str, Any] = {
    "app_roles": ["plain_app"],
    "context": ["select set_config('shop.tenant', {tenant}, true)"],
}


@dataclass(frozen=True)
class Twin:
    """SQL that breaks the plain schema and SQL that says the same thing rightly.

    Attributes:
        rule: of an error that the broken one gives.
        tenancy: keys beside those of PLAIN_TENANCY.
        common: run before either.
    """

    name: str
    rule: str
    category: str
    broken: str
    mended: str
    common: str = ""
    tenancy: dict[str, Any] = field(default_factory=dict)

    def check(self, database: Database, *, broken: bool) -> None:
        execute(database.conninfo, self.common + ";" + (self.broken if broken else self.mended))
        found = errors_of(proof_of(database, **self.tenancy))
        if not broken:
            assert [(each.rule, each.object, each.detail) for each in found] == []
            return
        named = [each for each in found if each.rule == self.rule]
        assert named, f"not found, but: {[(each.rule, each.object) for each in found]}"
        for each in named:
            assert each.category == self.category
            assert each.evidence is not None
            assert each.evidence.sql
            assert each.evidence.witness


def plain_sql() -> str:
    return (Path(__file__).parent / "plain.sql").read_text(encoding="utf-8")


def proof_of(database: Database, **tenancy: Any) -> Proof:
    return prove(database.conninfo, parse_declaration({**PLAIN_TENANCY, **tenancy}, "tenancy.toml"))


def errors_of(proof: Proof) -> list[Finding]:
    return [finding for finding in report_of(proof).findings if finding.severity is Severity.ERROR]
