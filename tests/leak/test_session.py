"""The proof's raw connection: what is sent along with the next statement, and several answers to one text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbkit.errors import DbkitError
from dbkit.leak.session import Session
from dbkit.postgres import Database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with Session(database.conninfo) as opened:
        opened.must("begin")
        yield opened


def test_what_is_due_is_sent_before_what_comes_next(session: Session) -> None:
    session.later("create temporary table kept (a integer)", "savepoint here")
    assert session.run("select count(*) from kept").rows == (("0",),)
    session.later("rollback to savepoint here")
    session.must("insert into kept values (1)")
    assert session.run("select a from kept").rows == (("1",),)


def test_a_syntax_error_does_not_undo_what_was_due(session: Session) -> None:
    session.later("create temporary table kept (a integer)", "savepoint here")
    assert session.run("selec 1").sqlstate == "42601"
    session.later("rollback to savepoint here")
    assert session.run("select count(*) from kept").rows == (("0",),)


def test_a_refusal_of_what_is_due_is_an_error(session: Session) -> None:
    session.later("release savepoint nowhere")
    with pytest.raises(DbkitError, match="a statement of the proof failed"):
        session.run("select 1")


def test_each_query_of_a_text_is_answered_up_to_a_refusal(session: Session) -> None:
    rows = [outcome.rows for outcome in session.run_each("select 1", "select 2 where false", "select 3")]
    assert rows == [(("1",),), (), (("3",),)]
    session.must("savepoint here")
    outcomes = session.run_each("select 1", "select 1 / 0", "select 3")
    assert [outcome.sqlstate for outcome in outcomes] == [None, "22012"]
    session.must("rollback to savepoint here")
    assert session.run("select 4").rows == (("4",),)
