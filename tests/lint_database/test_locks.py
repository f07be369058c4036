"""The shipped lock table against the server at hand."""

from __future__ import annotations

from dbkit.lint.lock_forms import FORMS, as_toml, measure
from dbkit.lint.locks import Lock, lock_table
from dbkit.postgres import Database


def test_the_shipped_table_is_what_this_server_does(database: Database) -> None:
    shipped = lock_table(database.server.version_num // 10000)
    measured = measure(database.conninfo)
    for form in FORMS:
        listed = shipped[form.section].get(form.name, Lock.ACCESS_EXCLUSIVE)
        assert measured[form.section][form.name] is listed, form.sql
    for section, modes in shipped.items():
        assert set(modes) <= set(measured[section]), "a fact nobody measures"


def test_a_newer_major_lists_only_what_is_otherwise() -> None:
    old = {"statement": {"IndexStmt": Lock.SHARE, "RuleStmt": Lock.ACCESS_EXCLUSIVE}, "alter": {}}
    new = {"statement": {"IndexStmt": Lock.SHARE, "RuleStmt": Lock.EXCLUSIVE}, "alter": {}}
    text = as_toml({18: new, 15: old})
    assert '[statement]\n"IndexStmt" = "SHARE"\n"RuleStmt" = "ACCESS EXCLUSIVE"\n' in text
    assert text.endswith('[postgres18.statement]\n"RuleStmt" = "EXCLUSIVE"\n')
