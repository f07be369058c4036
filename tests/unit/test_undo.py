"""The way back of what a new file makes."""

from __future__ import annotations

import pytest

from dbkit.catalog import Grant
from dbkit.mentions import created_objects, parse_file
from dbkit.migrate.ddl import privileges_change
from dbkit.migrate.undo import undo_statements
from dbkit.sqltext import identifier, literal


def undo(text: str) -> list[str]:
    statements = parse_file(text, "file.sql")
    made = {name for statement in statements for name in created_objects(statement)}
    schemas = {item.node["schemaname"] for item in statements if item.tag == "CreateSchemaStmt"}
    return undo_statements(statements, made, schemas)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("create schema a;", ["drop schema a;"]),
        ("create table a.t (id int);", ["drop table a.t;"]),
        ('create table a."T" (id int);', ['drop table a."T";']),
        ("create view a.v as select 1;", ["drop view a.v;"]),
        ("create materialized view a.v as select 1;", ["drop materialized view a.v;"]),
        ("create sequence a.s;", ["drop sequence a.s;"]),
        ("create domain a.d as text;", ["drop domain a.d;"]),
        ("create type a.e as enum ('x');", ["drop type a.e;"]),
        ("create type a.c as (x int);", ["drop type a.c;"]),
        (
            "create function a.f(x int, y text[] default '{}', out z a.t) language sql as '';",
            ["drop function a.f(integer, text[]);"],
        ),
        ("create procedure a.p(x bigint) language sql as '';", ["drop procedure a.p(bigint);"]),
        ("create policy p on a.t using (true);", ["drop policy p on a.t;"]),
        ("create trigger _100_x before update on a.t execute function a.f();", ["drop trigger _100_x on a.t;"]),
        ("create rule r as on delete to a.t do instead nothing;", ["drop rule r on a.t;"]),
        ("create index i on a.t (id);", ["drop index a.i;"]),
        ("alter table a.t add constraint c check (true);", ["alter table a.t drop constraint c;"]),
        ("alter table a.t add column c int;", ["alter table a.t drop column c;"]),
        ("alter table a.t enable row level security;", ["alter table a.t disable row level security;"]),
        ("alter table a.t force row level security;", ["alter table a.t no force row level security;"]),
        (
            "grant select, insert (id, name) on a.t to x, public;",
            ["revoke select, insert (id, name) on table a.t from x, public;"],
        ),
        ("grant all on schema a to x;", ["revoke all on schema a from x;"]),
        ("grant execute on function a.f(integer) to x;", ["revoke execute on function a.f(integer) from x;"]),
        (
            "alter default privileges revoke execute on functions from public;",
            ["alter default privileges grant execute on functions to public;"],
        ),
        (
            "alter default privileges for role x, current_user revoke execute on functions from public;",
            ["alter default privileges for role x, current_user grant execute on functions to public;"],
        ),
        ("alter default privileges in schema a grant select on tables to x;", []),
        ("comment on table a.t is 'x'; alter table a.t owner to x;", []),
    ],
)
def test_one_statement(text: str, expected: list[str]) -> None:
    assert undo(text) == expected


def test_what_goes_with_its_table_is_left_to_it() -> None:
    text = """
        create table a.t (id int);
        create index i on a.t (id);
        alter table a.t enable row level security;
        grant select on a.t to x;
        create policy p on a.t using (a.f());
    """
    assert undo(text) == ["drop policy p on a.t;", "drop table a.t;"]


def test_the_last_thing_goes_first() -> None:
    text = "create schema a; create function a.f() returns int return 1; create table a.t (id int default a.f());"
    assert undo(text) == ["drop table a.t;", "drop function a.f();", "drop schema a;"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pets", "pets"),
        ("Pets", '"Pets"'),
        ("order", '"order"'),
        ("between", '"between"'),
        ('a"b', '"a""b"'),
        ("name", "name"),
    ],
)
def test_identifiers_are_quoted_as_the_server_does(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_literals() -> None:
    assert literal("it's") == "'it''s'"
    assert literal(None) == "null"


def test_privileges_from_one_state_to_another() -> None:
    before = [Grant("old", "SELECT"), Grant("all_along", "SELECT"), Grant("all_along", "INSERT")]
    after = [Grant("all_along", "SELECT"), Grant("public", "SELECT"), Grant("new", "UPDATE", grantable=True)]
    assert privileges_change("table a.t", before, after) == [
        "revoke insert on table a.t from all_along;",
        "revoke select on table a.t from old;",
        "grant update on table a.t to new with grant option;",
        "grant select on table a.t to public;",
    ]
    assert privileges_change("table a.t", [], [Grant("x", "UPDATE")], column="Id") == [
        'grant update ("Id") on table a.t to x;'
    ]
    assert privileges_change("table a.t", after, after) == []
