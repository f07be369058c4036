"""A broken schema and its mended twin, for checks that look at one kind of object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbkit.leak import Proof
from dbkit.leak.render import report_of
from dbkit.report import Finding, Severity

__all__ = ["OWN", "Variant", "errors", "finding_of", "guarded"]

Prove = Callable[[str], Proof]

OWN = "tenant_id = (select app.tenant())"


@dataclass(frozen=True)
class Variant:
    """SQL that breaks the clean schema, what must be found then, and SQL that does the same thing rightly.

    Attributes:
        common: run before either.
        rule: of the error that the broken one gives and the mended one does not.
        object: what the error is about.
        category: its class in the taxonomy.
    """

    name: str
    rule: str
    object: str
    category: str
    broken: str
    mended: str
    common: str = ""

    def check(self, prove: Prove, *, broken: bool) -> None:
        proof = prove(self.common + ";" + (self.broken if broken else self.mended))
        found = errors(proof)
        if not broken:
            assert found == []
            return
        finding = next((each for each in found if (each.rule, each.object) == (self.rule, self.object)), None)
        assert finding is not None, f"not found, but: {[(each.rule, each.object) for each in found]}"
        assert finding.category == self.category
        assert finding.evidence is not None
        assert finding.evidence.sql
        assert finding.evidence.witness
        assert finding.evidence.control


def errors(proof: Proof) -> list[Finding]:
    return [finding for finding in report_of(proof).findings if finding.severity is Severity.ERROR]


def finding_of(proof: Proof, rule: str) -> Finding:
    return next(finding for finding in report_of(proof).findings if finding.rule == rule)


def guarded(table: str, grants: str = "select, insert, update, delete", condition: str = OWN) -> str:
    """Row security on a table of the tests, and what the app role may do with it."""
    return f"""
        alter table {table} owner to leak_owner;
        alter table {table} enable row level security, force row level security;
        create policy own on {table} to leak_app using ({condition}) with check ({condition});
        grant {grants} on {table} to leak_app;
    """
