"""Write the attacks as pgTAP files that a reader can run without dbkit: `dbkit leak --emit DIR`.

Each file makes its own rows, tries its statements inside one transaction and rolls back. States that need an earlier
transaction (residue) and COPY TO cannot be put in one; each file says how many were left out.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from dbkit.errors import DbkitError
from dbkit.leak.paths import Probe
from dbkit.leak.proof import Proof
from dbkit.tenancy.relations import literal

__all__ = ["emit"]

_HEAD = """\
-- Attacks on {table}: no other tenant's row may be reached. Written by dbkit leak; run as a superuser on a disposable
-- database with pgTAP and this schema, without rows.
begin;
select plan({plan});

-- Rows of two tenants, two users each
{rows}

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


def emit(proof: Proof, folder: Path) -> list[Path]:
    """Write one file for each table into `folder`, which is made if need be.

    Returns:
        The files written.

    Raises:
        DbkitError: the folder cannot be written.
    """
    by_table: dict[str, list[tuple[str, Probe]]] = defaultdict(list)
    for role in proof.roles:
        for probe in role.probes:
            by_table[probe.table].append((role.role, probe))
    rows = ";\n".join(proof.population.statements) + ";"
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table, probes in by_table.items():
            path = folder / f"{table}.sql"
            path.write_text(_file(table, probes, rows), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise DbkitError(
            f"cannot write {folder}", detail=f"{error}.", hint="Give --emit a folder that can be written."
        ) from None
    return written


def _file(table: str, probes: list[tuple[str, Probe]], rows: str) -> str:
    tests = [_test(role, probe) for role, probe in probes]
    head = _HEAD.format(table=table, plan=len(tests), rows=rows)
    return head + "\n".join(tests) + "\n\nselect * from finish();\nrollback;\n"


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
