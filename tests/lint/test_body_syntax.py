"""What the linter says of broken bodies beside what a server says of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import psycopg

from dbkit.lint.body_syntax import body_problem
from dbkit.lint.flow import tokens
from dbkit.parse import Body, bodies, parse
from dbkit.postgres import Database

FUNCTIONS = Path(__file__).parent.parent.parent / "sql" / "functions"
MUTANTS = 400


def own_bodies() -> Iterator[Body]:
    for path in sorted(FUNCTIONS.rglob("*.sql")):
        for statement in parse(path.read_text()).statements:
            yield from bodies(statement)


def mutated(text: str, chance: random.Random) -> str:
    """A body with one word or sign left out, said twice or put in the place of another."""
    words = [word for word in tokens(text) if word.strip("'")]
    word, other = chance.choice(words), chance.choice(words)
    places = [at for at in range(len(text)) if text[at : at + len(word)].lower() == word]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + chance.choice(("", f"{word} {word}", other)) + text[at + len(word) :]


def create(body: Body, text: str) -> str:
    whole = body.statement.text
    at = body.offset - body.statement.start
    return whole[:at] + text + whole[at + len(body.text) :]


def refusal(connection: psycopg.Connection, sql: str) -> str:
    """What the server has against a statement; empty for nothing."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.encode())
    except psycopg.Error as error:
        return str(error.diag.message_primary)
    return ""


def test_own_functions_are_content() -> None:
    assert [body_problem(body) for body in own_bodies() if body_problem(body)] == []


def test_a_broken_body_is_found_and_a_whole_one_never_blamed(core_db: Database) -> None:
    chance = random.Random(20260101)
    whole = list(own_bodies())
    found, blamed, missed = 0, [], []
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        for _ in range(MUTANTS):
            body = chance.choice(whole)
            script = parse(create(body, mutated(body.text, chance)))
            if script.problems or len(script.statements) != 1:
                continue  # the quotes around the body are gone
            said = refusal(connection, script.text)
            problem = next((body_problem(other) for other in bodies(script.statements[0])), None)
            if problem is not None and said:
                found += 1
            elif problem is not None:
                blamed.append((problem.message, script.text))
            # What a declared type of another schema hides from a parser without a catalog, and a check behind it.
            elif said.startswith("syntax error") and "declare" not in script.text:
                missed.append((said, script.text))
    assert blamed == [] and missed == []
    assert found > MUTANTS / 3
