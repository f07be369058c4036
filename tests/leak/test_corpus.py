"""The corpus: every case is what it says, shown by its own attack, and `dbkit leak` tells leaky from clean.

A leak has to be found as an error that the fix removes; a repaired schema and a clean look-alike have to be free of
errors, however much they resemble a leak.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from corpus_cases import Case, applied, attacked, read_cases

from dbkit.config import Config, load_config
from dbkit.leak.clone import disposable_copy
from dbkit.leak.proof import prove, read_model
from dbkit.leak.render import report_of
from dbkit.postgres import Server
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import load_declaration

CASES = read_cases()
# Taxonomy classes of the corpus; a class without a case would be a class nobody looks after.
CLASSES = {
    *("RLS-01", "RLS-02", "POL-01", "POL-02", "POL-03", "POL-04", "POL-05", "POL-06", "POL-07", "POL-08"),
    *("CTX-01", "CTX-02", "CTX-03", "CTX-04", "CTX-05", "ROLE-01", "ROLE-02", "PRIV-01", "PRIV-02", "PRIV-03"),
    *("OBJ-01", "OBJ-02", "OBJ-03", "OBJ-04", "OBJ-05", "OBJ-06", "OBJ-07", "OBJ-08", "RI-01", "RI-02", "RI-03"),
    *("SIDE-01", "SIDE-02", "SIDE-03", "SIDE-04", "SIDE-05", "SIDE-06", "SIDE-07"),
    *("FLOW-01", "FLOW-02", "FLOW-03", "FLOW-04", "FLOW-05"),
}


def cases(*, leaky: bool | None = None) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if leaky is None or case.leaky is leaky]
    return pytest.mark.parametrize("case", chosen, ids=[case.name for case in chosen])


@pytest.fixture(scope="session")
def plain_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Defaults, as in a folder without a project."""
    folder = tmp_path_factory.mktemp("nowhere")
    file = folder / "dbkit.toml"
    file.write_text("")
    return load_config(file)


@pytest.fixture(scope="session")
def corpus_server(plain_config: Config) -> Iterator[Server]:
    """A server that can publish changes; each case leaves it without a trace."""
    server = LocalServer.start(
        choose_binaries(plain_config), wal_level="logical", max_wal_senders="4", max_replication_slots="4"
    )
    try:
        yield server
    finally:
        server.stop()


def errors(server: Server, config: Config, case: Case, statements: list[str]) -> dict[tuple[str, str | None], Finding]:
    """Error-level findings of `dbkit leak`, by rule and object."""
    declaration = load_declaration(config, case.folder / "tenancy.toml")
    with (
        applied(server, statements) as database,
        disposable_copy(config, declaration, None, database.conninfo) as copy,
    ):
        report = report_of(prove(copy.conninfo, copy.declaration))
    return {
        (finding.rule, finding.object): finding for finding in report.findings if finding.severity is Severity.ERROR
    }


def told(findings: dict[tuple[str, str | None], Finding]) -> str:
    return "; ".join(f"{finding.rule}: {finding.message}" for finding in findings.values())


def test_the_corpus_has_every_class_and_look_alikes() -> None:
    assert {case.facts["class"] for case in CASES if case.leaky} >= CLASSES
    assert sum(not case.leaky for case in CASES) >= 15
    assert [case.name for case in CASES if not case.leaky and case.has_fix] == []


@cases()
def test_the_attack_leaks_exactly_where_the_case_says(corpus_server: Server, case: Case) -> None:
    with applied(corpus_server, case.schema) as database:
        printed = attacked(database, case)
    assert "CONTROL OK" in printed, printed
    assert ("LEAK" in printed) is case.leaky, printed
    if case.has_fix:
        with applied(corpus_server, case.repaired_schema) as database:
            printed = attacked(database, case)
        assert "CONTROL OK" in printed, printed
        assert "LEAK" not in printed, printed


@cases(leaky=True)
def test_a_leak_is_an_error_that_the_fix_removes(corpus_server: Server, plain_config: Config, case: Case) -> None:
    found = errors(corpus_server, plain_config, case, case.schema)
    assert found, "the leak was not found"
    left = errors(corpus_server, plain_config, case, case.repaired_schema)
    assert not left, f"false alarm after the fix: {told(left)}"


@cases(leaky=False)
def test_a_clean_look_alike_is_not_flagged(corpus_server: Server, plain_config: Config, case: Case) -> None:
    found = errors(corpus_server, plain_config, case, case.schema)
    assert not found, f"false alarm: {told(found)}"


@pytest.mark.parametrize(
    ("name", "registry", "columns"),
    [
        ("rls02-inherits-table-owner", ("ledger.books", "id"), ("book_id",)),
        ("pol07-truncated-tenant-key", ("iot.fleets", "id"), ("fleet_id",)),
        ("rls01-archive-like-including-all", ("public.carriers", "code"), ("carrier_code",)),
        ("pol02-or-binds-weaker-than-and", ("kb.spaces", "id"), ("space_id",)),
        # Only the user is in the context: the tenants are what the memberships pair it with.
        ("obj04-policy-helper-finds-a-temporary-table", ("public.foundations", "id"), ("foundation_id",)),
    ],
)
def test_the_tenant_column_is_what_policies_compare_whatever_its_name(
    corpus_server: Server, plain_config: Config, name: str, registry: tuple[str, str], columns: tuple[str, ...]
) -> None:
    (case,) = (case for case in CASES if case.name == name)
    declaration = load_declaration(plain_config, case.folder / "tenancy.toml")
    with applied(corpus_server, case.schema) as database:
        model = read_model(database.conninfo, declaration)
    assert (model.registry, model.tenant_columns) == (registry, columns)
