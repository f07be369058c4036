"""Rows that the owner supplies where the catalog does not say how to make them, tied to tenants by their slot."""

from __future__ import annotations

from pathlib import Path

import pytest
from leak_schema import TENANCY, execute

from dbkit.errors import DbkitError
from dbkit.leak import prove
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED
from dbkit.leak.proof import Proof
from dbkit.postgres import Database
from dbkit.tenancy.declaration import parse_declaration

# Nobody guesses a code that this check accepts; a second table needs a row of the first.
PUZZLE = """
    create function app.is_code(text) returns boolean language sql immutable as
        $$ select $1 ~ '^[a-z0-9-]+$' and md5($1) = md5(reverse(reverse($1))) and starts_with($1, 'xq7-') $$;
    create table app.puzzles (
        tenant_id uuid not null references app.tenants,
        code      text not null check (app.is_code(code)),
        note      text,
        primary key (tenant_id, code)
    );
    create table app.pieces (
        tenant_id uuid not null references app.tenants,
        id        uuid not null default gen_random_uuid(),
        code      text not null,
        primary key (tenant_id, id),
        foreign key (tenant_id, code) references app.puzzles
    );
    alter table app.puzzles enable row level security, force row level security;
    alter table app.pieces enable row level security, force row level security;
    create policy own on app.puzzles to leak_app
        using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));
    create policy own on app.pieces to leak_app
        using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));
    grant select, insert, update, delete on app.puzzles, app.pieces to leak_app;
"""
FIXTURES = "-- one puzzle each\ninsert into app.puzzles (tenant_id, code) values ({tenant}, 'xq7-' || {n});"


def proof_with(clean: Database, folder: Path, fixtures: str | None) -> Proof:
    declared = dict(TENANCY)
    if fixtures is not None:
        (folder / "fixtures.sql").write_text(fixtures, encoding="utf-8")
        declared["fixtures"] = "fixtures.sql"
    return prove(clean.conninfo, parse_declaration(declared, str(folder / "tenancy.toml")))


def verdicts(proof: Proof, table: str) -> set[str]:
    return {path.verdict for path in proof.paths if path.table == table}


def test_without_fixtures_the_tables_are_named_as_not_populated(clean: Database, tmp_path: Path) -> None:
    execute(clean.conninfo, PUZZLE)
    proof = proof_with(clean, tmp_path, None)
    assert verdicts(proof, "app.puzzles") == {UNVERIFIED}
    assert "puzzles_code_check" in (proof.population.tables["app.puzzles"].reason or "")


def test_fixtures_fill_a_table_and_what_references_it(clean: Database, tmp_path: Path) -> None:
    execute(clean.conninfo, PUZZLE)
    proof = proof_with(clean, tmp_path, FIXTURES)
    assert verdicts(proof, "app.puzzles") == verdicts(proof, "app.pieces") == {HOLDS}
    rows = proof.population.tables["app.puzzles"]
    assert {slot: row["code"] for slot, row in rows.rows.items()} == {
        "A1": "xq7-0",
        "A2": "xq7-1",
        "B1": "xq7-3",
        "B2": "xq7-4",
    }
    assert rows.rows["A1"]["tenant_id"] == proof.population.identities["A1"].tenant
    assert {slot: row["code"] for slot, row in rows.spares.items()} == {"A1": "xq7-100", "B1": "xq7-103"}
    assert "fixtures.sql" in rows.notes[0]
    # The statements that made the rows make them again, in a database that has none.
    assert any("xq7-" in statement for statement in proof.population.statements)


def test_a_leak_of_supplied_rows_is_found(clean: Database, tmp_path: Path) -> None:
    execute(clean.conninfo, PUZZLE + "alter policy own on app.puzzles using (true);")
    assert LEAK in verdicts(proof_with(clean, tmp_path, FIXTURES), "app.puzzles")


@pytest.mark.parametrize(
    ("fixtures", "message"),
    [
        ("insert into app.nowhere values ({tenant})", "a statement of the fixtures is refused"),
        (
            "insert into app.puzzles (tenant_id, code) values ({tenant}, 'xq7-')",
            "a statement of the fixtures is refused",
        ),
    ],
)
def test_fixtures_that_fail_are_named(clean: Database, tmp_path: Path, fixtures: str, message: str) -> None:
    execute(clean.conninfo, PUZZLE)
    with pytest.raises(DbkitError) as caught:
        proof_with(clean, tmp_path, fixtures)
    assert caught.value.message == message
    assert "insert into app." in (caught.value.detail or "")


def test_a_missing_file_is_named(clean: Database, tmp_path: Path) -> None:
    declaration = parse_declaration({**TENANCY, "fixtures": "none.sql"}, str(tmp_path / "tenancy.toml"))
    with pytest.raises(DbkitError, match="cannot read fixtures"):
        prove(clean.conninfo, declaration)
