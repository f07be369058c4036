"""What the copy of a given database holds beside its tables, and what is said of what it cannot hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from leak_schema import TENANCY, execute

from dbkit.config import Config
from dbkit.leak import Proof, prove
from dbkit.leak.clone import disposable_copy
from dbkit.leak.render import report_of
from dbkit.postgres import Database, Server
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import parse_declaration

REMOTE = """
    create extension postgres_fdw;
    do $$ begin
        execute format('create server loop foreign data wrapper postgres_fdw options (dbname %L, host %L)',
            current_database(), 'somewhere.example.com');
    end $$;
    create user mapping for leak_app server loop options (user '{user}', password 'secret');
    create foreign table app.all_invoices (tenant_id uuid, id uuid, memo text)
        server loop options (schema_name 'app', table_name 'invoices');
    grant select on app.all_invoices to leak_app;
"""
FILES = """
    create table app.files (tenant_id uuid not null, id uuid primary key, body oid not null);
    alter table app.files enable row level security, force row level security;
    create policy own on app.files to leak_app using (tenant_id = (select app.tenant()));
    grant select on app.files to leak_app;
    select lo_from_bytea(4711, 'a contract');
"""


def proof_of_copy(config: Config, source: Database, sql: str) -> tuple[Proof, list[Finding]]:
    """Break a database, copy it and prove the copy."""
    execute(source.conninfo, sql)
    with disposable_copy(config, parse_declaration(TENANCY, "tenancy.toml"), None, source.conninfo) as copy:
        proof = prove(copy.conninfo, copy.declaration)
        proof.findings += copy.not_copied
    return proof, report_of(proof).findings


def errors(findings: list[Finding]) -> set[tuple[str, str | None]]:
    return {(finding.rule, finding.object) for finding in findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize("granted", [True, False])
def test_a_foreign_table_with_a_privileged_mapping(
    config: Config, clean: Database, server: Server, granted: bool
) -> None:
    sql = REMOTE.format(user=server.superuser)
    if not granted:
        sql += "revoke select on app.all_invoices from leak_app"
    _, findings = proof_of_copy(config, clean, sql)
    expected = {("view_bypasses_policies", "app.all_invoices")} if granted else set()
    assert errors(findings) == expected
    if granted:
        (finding,) = (each for each in findings if each.rule == "view_bypasses_policies")
        assert finding.category == "OBJ-06"


def test_a_foreign_table_that_cannot_be_reached_is_unverified(config: Config, clean: Database) -> None:
    _, findings = proof_of_copy(
        config,
        clean,
        "create extension file_fdw; create server files foreign data wrapper file_fdw;"
        "create foreign table app.export (line text) server files options (filename '/nonexistent/export');"
        "grant select on app.export to leak_app",
    )
    assert errors(findings) == set()
    assert [each.object for each in findings if each.rule == "path_unverified"] == ["app.export"]


@pytest.mark.parametrize("readers", ["public", "leak_app", None])
def test_large_objects_keep_their_grants(config: Config, clean: Database, readers: str | None) -> None:
    grant = f"grant select on large object 4711 to {readers};" if readers else ""
    _, findings = proof_of_copy(config, clean, FILES + grant)
    expected = {("large_object_readable", "large object 4711")} if readers else set()
    assert errors(findings) == expected


def test_an_extension_the_server_has_not_got_is_named(
    config: Config, clean: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dump is given one more extension and a table that needs it, as from a server that has them."""
    from dbkit.leak import clone

    dump = clone._dump

    def with_more(source: str, bin_dir: Path | None, options: list[str]) -> str:
        more = (
            "create extension if not exists no_such_extension;\n"
            "comment on extension no_such_extension is 'none';\n"
            "create table app.places (id uuid primary key, at no_such_schema.point);\n"
        )
        return dump(source, bin_dir, options) + (more if "--schema-only" in options else "")

    monkeypatch.setattr(clone, "_dump", with_more)
    proof, findings = proof_of_copy(config, clean, "")
    assert [each.object for each in findings if each.rule == "not_copied"] == [
        "extension no_such_extension",
        "create table app.places (id uuid primary key, at no_such_schema.point)",
    ]
    assert report_of(proof).summary["unverified"] == 2
    assert report_of(proof).exit_code == 2
