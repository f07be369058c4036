"""Roles that go around policies: as another role, by granting themselves one, by files, by replication, by a grant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from leak_plain import errors_of, proof_of
from leak_schema import execute

from dbkit.leak.render import report_of
from dbkit.postgres import Database

MAKE = """
    do $$ begin
        if not exists (select from pg_roles where rolname = 'plain_etl') then
            create role plain_etl nologin bypassrls;
            create role plain_jobs nologin noinherit;
        end if;
    end $$;
    grant usage on schema shop to plain_etl, plain_jobs;
    grant select on all tables in schema shop to plain_etl, plain_jobs;
"""
# what is broken -> (rule, class, SQL, SQL that takes it back)
BREAKS: dict[str, tuple[str, str, str, str]] = {
    "bypass": (
        "app_role_bypasses_rls",
        "ROLE-01",
        "alter role plain_app bypassrls",
        "alter role plain_app nobypassrls",
    ),
    "superuser": (
        "app_role_bypasses_rls",
        "ROLE-01",
        "alter role plain_app superuser",
        "alter role plain_app nosuperuser",
    ),
    "a role two steps away": (
        "app_role_may_bypass_rls",
        "ROLE-01",
        "grant plain_etl to plain_jobs; grant plain_jobs to plain_app",
        "revoke plain_jobs from plain_app; revoke plain_etl from plain_jobs",
    ),
    "reads files": (
        "app_role_reaches_server_files",
        "ROLE-02",
        "grant pg_read_server_files to plain_app",
        "revoke pg_read_server_files from plain_app",
    ),
    "writes files": (
        "app_role_reaches_server_files",
        "ROLE-02",
        "grant pg_write_server_files to plain_app",
        "revoke pg_write_server_files from plain_app",
    ),
    "runs programs": (
        "app_role_reaches_server_files",
        "ROLE-02",
        "grant pg_execute_server_program to plain_app",
        "revoke pg_execute_server_program from plain_app",
    ),
    "replicates": (
        "app_role_replicates",
        "ROLE-02",
        "alter role plain_app replication",
        "alter role plain_app noreplication",
    ),
    "grants itself": (
        "app_role_may_grant_itself",
        "ROLE-02",
        "alter role plain_app createrole; grant plain_owner to plain_jobs with admin option;"
        "grant plain_etl to plain_jobs with admin option",
        "alter role plain_app nocreaterole; revoke plain_owner from plain_jobs; revoke plain_etl from plain_jobs",
    ),
    "references": (
        "references_granted",
        "PRIV-01",
        "create schema if not exists scratch; grant usage, create on schema scratch to plain_app;"
        "grant references on shop.orders to plain_app",
        "revoke references on shop.orders from plain_app",
    ),
    "triggers": (
        "trigger_granted",
        "PRIV-01",
        "grant trigger on shop.orders to plain_app",
        "revoke trigger on shop.orders from plain_app",
    ),
}


@pytest.fixture
def mended() -> Iterator[list[tuple[Database, str]]]:
    """Roles are the cluster's: what a test does to them is taken back."""
    undo: list[tuple[Database, str]] = []
    yield undo
    for database, sql in undo:
        execute(database.conninfo, sql)


@pytest.mark.parametrize("name", BREAKS)
def test_a_way_around_is_shown_and_its_repair_holds(
    plain: Database, mended: list[tuple[Database, str]], name: str
) -> None:
    rule, category, broken, repair = BREAKS[name]
    if name == "grants itself" and plain.server.version >= "16":
        pytest.skip("since 16 CREATEROLE gives no membership in roles of others")
    mended.append((plain, repair))
    execute(plain.conninfo, MAKE + broken)
    found = [finding for finding in errors_of(proof_of(plain)) if finding.rule == rule]
    assert found, [finding.rule for finding in errors_of(proof_of(plain))]
    assert {finding.category for finding in found} == {category}
    assert all(finding.evidence and finding.evidence.sql and finding.evidence.witness for finding in found)
    assert all("Needs:" in (finding.detail or "") or finding.rule == "trigger_granted" for finding in found)
    execute(plain.conninfo, repair)
    assert rule not in {finding.rule for finding in report_of(proof_of(plain)).findings}


def test_pg_read_all_data_is_no_way_around(plain: Database, mended: list[tuple[Database, str]]) -> None:
    mended.append((plain, "revoke pg_read_all_data from plain_app"))
    execute(plain.conninfo, "grant pg_read_all_data to plain_app")
    assert errors_of(proof_of(plain)) == []


def test_a_bypassing_role_out_of_reach_is_no_finding(plain: Database) -> None:
    execute(plain.conninfo, MAKE)
    assert errors_of(proof_of(plain)) == []
