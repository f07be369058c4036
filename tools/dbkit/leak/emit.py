"""Write the attacks as pgTAP files that a reader can run without dbkit: `dbkit leak --emit DIR`.

    <table>.sql    every attack on one table or view: makes the rows, attacks, rolls back
    residue.sql    what a connection keeps of the transactions it served before, which needs ones that commit
    guards.sql     what the catalogs must say: row security forced, app roles that no policy passes by

COPY TO obeys the same policies as SELECT and can be sent by a client only; a query prepared in an earlier transaction
can be executed by one only. Everything else that attacked a table is in the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from dbkit.errors import DbkitError
from dbkit.leak.checks import bypasses
from dbkit.leak.paths import Probe
from dbkit.leak.proof import Proof
from dbkit.leak.replica import AS_REPLICA
from dbkit.leak.rows import identify
from dbkit.tenancy.relations import literal

__all__ = ["emit"]

_HEAD = """\
-- {title} Written by dbkit leak; run as a superuser on a disposable
-- database with pgTAP and this schema, without rows.
"""
_ATTEMPT = """\
-- What a statement gives as a role in a context: its count, or the rows it affects; 0 where it is refused.
create function pg_temp.attempt(p_role text, p_admin text[], p_context text[], p_statement text) returns bigint
language plpgsql as $fn$
declare
    v_step text;
    v_count bigint;
begin
    foreach v_step in array p_admin loop
        execute v_step;
    end loop;
    execute format('set local session authorization %I', p_role);
    foreach v_step in array p_context loop
        begin
            execute v_step;
        exception when others then
            null; -- a refused context leaves the caller without one
        end;
    end loop;
    if p_statement ~* '^(select|with)' then
        execute p_statement into v_count;
    else
        execute p_statement;
        get diagnostics v_count = row_count;
    end if;
    -- Leave nothing behind, the role and the context included.
    raise exception using errcode = 'ZZ999', message = v_count::text;
exception
    when sqlstate 'ZZ999' then
        return sqlerrm::bigint;
    when others then
        return 0;
end
$fn$;
"""

Tests = list[tuple[str, Probe]]  # role and what it tries


def emit(proof: Proof, folder: Path) -> list[Path]:
    """Write the files into `folder`, which is made if need be.

    Returns:
        The files written.

    Raises:
        DbkitError: the folder cannot be written.
    """
    by_table: dict[str, Tests] = defaultdict(list)
    residue: Tests = []
    for role in proof.roles:
        for probe in role.probes:
            (residue if probe.before else by_table[probe.table]).append((role.role, probe))
    rows = _rows(proof)
    texts = {table: _table_file(table, tests, rows) for table, tests in by_table.items()}
    if residue:
        texts["residue"] = _residue_file(residue, rows, _removal(proof))
    texts["guards"] = _guards_file(proof)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    except OSError as error:
        raise DbkitError(
            f"cannot write {folder}", detail=f"{error}.", hint="Give --emit a folder that can be written."
        ) from None
    return [folder / f"{name}.sql" for name in texts]


def _rows(proof: Proof) -> str:
    """The statements that make the rows, and fill what is stored from them."""
    stored = [table.sql for table in proof.model.relations.tables.values() if table.kind == "m"]
    # Views on views need a second round; the first leaves none unfilled that the proof could fill.
    refreshed = [f"refresh materialized view {name}" for _ in range(2) for name in stored]
    made = ";\n".join([*proof.population.statements, *(refreshed if len(stored) > 1 else refreshed[:1])])
    return f"-- Rows of two tenants, two users each\n{made};\n"


def _removal(proof: Proof) -> str:
    """Statements that take the rows away again; children do not notice, so the order does not matter."""
    statements = [AS_REPLICA]
    for name, made in proof.population.tables.items():
        table = proof.model.relations.tables[name]
        statements += dict.fromkeys(
            f"delete from {table.sql} where {identify(table, row)}" for row in made.rows.values()
        )
    return ";\n".join(statements) + ";\n"


def _table_file(table: str, tests: Tests, rows: str) -> str:
    head = _HEAD.format(title=f"Attacks on {table}: no other tenant's row may be reached.")
    return "\n".join(
        [
            f"{head}begin;\nselect plan({len(tests)});\n",
            rows,
            _ATTEMPT,
            *(_test(role, probe) for role, probe in tests),
            "\nselect * from finish();\nrollback;\n",
        ]
    )


def _residue_file(tests: Tests, rows: str, removal: str) -> str:
    """The rows are committed, since the earlier transactions must find them, and taken away at the end."""
    head = _HEAD.format(title="What a connection keeps of the transactions it served before must open nothing.")
    parts = [f"{head}select plan({len(tests)});\n", f"begin;\n{rows}commit;\n", _ATTEMPT]
    served: tuple[str, tuple[tuple[str, ...], ...]] | None = None
    for role, probe in tests:
        if served != (role, probe.before):
            served = (role, probe.before)
            parts += [f"-- {role} serves another tenant first", *_serve(role, probe.before)]
        parts.append(_test(role, probe))
    return "\n".join([*parts, f"\nbegin;\n{removal}commit;", "select * from finish();\n"])


def _serve(role: str, transactions: Iterable[Iterable[str]]) -> Iterator[str]:
    quoted = '"' + role.replace('"', '""') + '"'
    yield f"set session authorization {quoted};"
    for transaction in transactions:
        yield from ("begin;", *(f"{statement};" for statement in transaction), "commit;")
    yield "reset session authorization;"


def _test(role: str, probe: Probe) -> str:
    name = f"{role}, {probe.state}: {probe.command} {probe.name}".strip()
    attempt = (
        f"pg_temp.attempt({literal(role)}, {_array(probe.admin)}, {_array(probe.context)},\n    {literal(probe.count)})"
    )
    if probe.limit is None:
        return f"select cmp_ok({attempt}, '>=', 1::bigint, {literal(name + ' works')});"
    return f"select cmp_ok({attempt}, '<=', {probe.limit}::bigint, {literal(name + ' reaches no other tenant')});"


def _array(texts: tuple[str, ...]) -> str:
    if not texts:
        return "'{}'"
    return "array[" + ", ".join(map(literal, texts)) + "]"


def _guards_file(proof: Proof) -> str:
    """What holds in the catalogs now and must go on holding: none of it depends on rows."""
    tests = list(_guards(proof))
    head = _HEAD.format(title="What guards the rows, as the catalogs say it.")
    body = [f"select ok(({condition}), {literal(name)});" for condition, name in tests]
    return "\n".join([f"{head}begin;\nselect plan({len(tests)});\n", *body, "\nselect * from finish();\nrollback;\n"])


def _guards(proof: Proof) -> Iterator[tuple[str, str]]:
    """A condition, true on this database, and its sentence."""
    model = proof.model
    for name in model.declaration.app_roles:
        role = model.relations.roles[name]
        for other in (name, *role.may_become):
            if not bypasses(model.relations.roles[other]):
                condition = f"select not rolsuper and not rolbypassrls from pg_roles where rolname = {literal(other)}"
                yield condition, f"policies apply to {other}, which {name} acts as"
    protected = {table.table.qualified: table.table for scope in model.scopes for table in scope.tables.values()
                 if table.protected}  # fmt: skip
    for table in protected.values():
        regclass = f"{literal(table.sql)}::regclass"
        for column, holds, words in (
            ("relrowsecurity", table.rls, "enabled"),
            ("relforcerowsecurity", table.forced, "forced"),
        ):
            if holds:
                condition = f"select {column} from pg_class where oid = {regclass}"
                yield condition, f"row security on {table.qualified} is {words}"
        for name in model.declaration.app_roles:
            held = model.relations.privileges[name, table.qualified].table
            for privilege in ("truncate", "trigger"):
                if privilege not in held:
                    condition = f"not has_table_privilege({literal(name)}, {regclass}, {literal(privilege)})"
                    yield condition, f"{name} may not {privilege} {table.qualified}, which no policy judges"
