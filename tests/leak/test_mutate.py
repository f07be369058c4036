"""The proof tests itself: what is broken is caught, what cannot matter is left alone, survivors are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from leak_schema import execute, tenancy_file

from dbkit.errors import DbkitError
from dbkit.leak.clone import Disposable
from dbkit.leak.mutate import Mutant, find_mutants
from dbkit.leak.mutate import run as runner
from dbkit.leak.mutate.mutants import Mutants
from dbkit.leak.mutate.render import closing_lines, mutation_report
from dbkit.leak.mutate.run import MutationRun, mutate
from dbkit.leak.mutate.survivors import Explained, load_survivors
from dbkit.leak.mutate.trial import IMPOSSIBLE, LEAKED, REFUSED, SURVIVED, Trial
from dbkit.leak.proof import read_model
from dbkit.postgres import Database
from dbkit.tenancy.declaration import Declaration

Find = Callable[[str], Mutants]

# Things a mutant can be made of that the clean schema has not got.
FURTHER = """
    drop policy own on app.invoice_lines;
    create policy anyone on app.invoice_lines to leak_app using (true) with check (true);
    create policy fence on app.invoice_lines as restrictive to leak_app
        using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));
    create view app.own_invoices with (security_invoker = true, security_barrier = true) as select * from app.invoices;
    grant select on app.own_invoices to leak_app;
    create function app.invoice_count() returns bigint
        language sql stable security definer set search_path = pg_catalog, pg_temp
    begin atomic
        select count(*) from app.invoices i where i.tenant_id = app.tenant() and i.amount > 0;
    end;
    grant execute on function app.invoice_count() to leak_app;
    create function app.my_memos() returns setof text language plpgsql as $$
    begin
        return query select i.memo from app.invoices i;
    end $$;
    create function app.memo_of(p_tenant uuid) returns text
        language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
    declare
        v_own constant uuid := app.tenant();
    begin
        if p_tenant <> v_own then
            raise exception 'not yours';
        end if;
        return (select t.name from app.tenants t where t.id = v_own);
    end $$;
    create function app.version() returns text language sql as 'select version()';
"""


@pytest.fixture
def found(clean: Database, declaration: Declaration) -> Find:
    """The mutants of the clean schema with further SQL applied."""

    def find(sql: str) -> Mutants:
        execute(clean.conninfo, sql or "select 1")
        with psycopg.connect(clean.conninfo) as connection:
            return find_mutants(connection, read_model(clean.conninfo, declaration))

    return find


@pytest.fixture
def disposable(clean: Database, declaration: Declaration) -> Disposable:
    return Disposable(clean.conninfo, declaration, None, server=clean.server)


def only(monkeypatch: pytest.MonkeyPatch, wanted: Callable[[Mutant], bool]) -> None:
    """Let a run try these mutants alone: a trial takes its second."""

    def some(connection: psycopg.Connection[object], model: object) -> Mutants:
        every = find_mutants(connection, model)  # type: ignore[arg-type]
        return Mutants([mutant for mutant in every.mutants if wanted(mutant)], every.equivalent)

    monkeypatch.setattr(runner, "find_mutants", some)


def test_every_kind_of_guard_is_broken(found: Find) -> None:
    mutants = found(FURTHER)
    ids = {mutant.id for mutant in mutants.mutants}
    assert len(ids) == len(mutants.mutants)
    assert {
        "disable-rls app.invoices",
        "using-true app.invoices.own_select",
        "check-true app.invoices.own_insert",
        "check-true app.invoices.own_update",
        "drop-policy app.invoice_lines.fence",
        "make-permissive app.invoice_lines.fence",
        "grant-truncate leak_app app.invoices",
        "bypassrls leak_app",
        "member-of leak_app leak_owner",
        "view-definer app.own_invoices",
        "fk-without-tenant app.invoice_lines.invoice_lines_tenant_id_invoice_id_fkey",
        "unique-without-tenant app.invoices.invoices_tenant_id_number_key",
        "execute-public app.seal(text)",
        "definer app.my_memos()",
        "without-condition app.invoice_count(): (i.tenant_id = app.tenant())",
        "without-condition app.memo_of(uuid): p_tenant <> v_own",
        "without-condition app.memo_of(uuid): t.id = v_own",
        "without-condition app.set_context(uuid,uuid): m.user_id = p_user",
        "without-condition app.set_context(uuid,uuid): m.tenant_id = p_tenant",
        "without-refusal app.set_context(uuid,uuid): raise exception 'not a member'",
        "unverified app.tenant(): app.tenant_id",
    } <= ids


def test_what_cannot_matter_is_counted_and_not_made(found: Find) -> None:
    mutants = found(FURTHER)
    ids = {mutant.id for mutant in mutants.mutants}
    # No privilege behind it, no row less guarded, nothing of a tenant touched.
    assert not any(name.startswith("drop-policy app.invoices.own_select") for name in ids)
    assert "check-true app.tenants.own" not in ids
    assert "definer app.version()" not in ids
    assert mutants.equivalent["invoker to definer of a function that touches no tenant's table"] == 1
    assert sum(mutants.equivalent.values()) > 10


def test_an_update_guarded_twice_is_weakened_in_both_places(found: Find) -> None:
    sql = "revoke update on app.invoices from leak_app; grant update (memo) on app.invoices to leak_app"
    ids = {mutant.id for mutant in found(sql).mutants}
    assert "using-and-check-true app.invoices.own_update" in ids
    assert not {"using-true app.invoices.own_update", "check-true app.invoices.own_update"} & ids


def test_every_mutant_can_be_made(found: Find, clean: Database) -> None:
    for mutant in found(FURTHER).mutants:
        with psycopg.connect(clean.conninfo) as connection, connection.transaction(force_rollback=True):
            for statement in mutant.sql:
                connection.execute(statement)  # type: ignore[call-overload]


CAUGHT = (
    "using-true app.invoices.own_select",
    "make-permissive app.invoice_lines.fence",
    "grant-truncate leak_app app.invoices",
    "view-definer app.own_invoices",
    "without-refusal app.set_context(uuid,uuid): raise exception 'not a member'",
    "unverified app.tenant(): app.tenant_id",
    "bypassrls leak_app",
)


def test_mutants_are_caught_and_roles_are_mended(disposable: Disposable, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(disposable.conninfo, FURTHER)
    only(monkeypatch, lambda mutant: mutant.id in CAUGHT)
    told: list[str] = []
    run = mutate(disposable, jobs=2, progress=told.append)
    assert {trial.mutant.id for trial in run.trials} == set(CAUGHT)
    assert {trial.mutant.id: trial.verdict for trial in run.trials} == dict.fromkeys(CAUGHT, LEAKED)
    assert all(trial.by for trial in run.trials)
    assert f"{len(CAUGHT)} of {len(CAUGHT)} mutants tried, 0 not caught" in told
    report = mutation_report(run, [])
    assert (report.exit_code, report.summary["score"]) == (0, 100.0)
    assert closing_lines(report)[-1] == "mutation score: 100.0 %"
    with psycopg.connect(disposable.conninfo) as connection:
        row = connection.execute("select rolbypassrls from pg_roles where rolname = 'leak_app'").fetchone()
    assert row == (False,)


def test_what_the_proof_does_not_catch_survives(disposable: Disposable, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that breaks nothing is what a blind proof would make of each."""

    def harmless(connection: object, model: object) -> Mutants:
        sql = "comment on table app.invoices is 'as safe as before'"
        broken = "alter table app.no_such_table disable row level security"
        return Mutants([Mutant("harmless app.invoices", (sql,)), Mutant("impossible app.x", (broken,))])

    monkeypatch.setattr(runner, "find_mutants", harmless)
    run = mutate(disposable, jobs=1)
    assert [trial.verdict for trial in run.trials] == [SURVIVED, IMPOSSIBLE]
    report = mutation_report(run, [])
    assert report.exit_code == 1
    assert {finding.rule: str(finding.severity) for finding in report.findings} == {
        "mutant_survived": "error",
        "mutant_not_made": "note",
    }
    assert report.summary["score"] == 0.0


def test_an_unproven_database_is_not_mutated(disposable: Disposable) -> None:
    execute(disposable.conninfo, "alter policy own_select on app.invoices using (true)")
    with pytest.raises(DbkitError, match="does not hold") as caught:
        mutate(disposable)
    assert "app.invoices" in (caught.value.detail or "")


def test_a_given_database_in_place_is_not_mutated(clean: Database, declaration: Declaration) -> None:
    with pytest.raises(DbkitError, match="server of their own"):
        mutate(Disposable(clean.conninfo, declaration, None))


# The committed list


def ended(*verdicts: tuple[str, str]) -> MutationRun:
    class Relations:
        server_version = "15.0"

    class Model:
        relations = Relations()

    class Proven:
        model = Model()

    mutants = [Mutant(name, ("select 1",)) for name, _ in verdicts]
    trials = [Trial(mutant, verdict, "why") for mutant, (_, verdict) in zip(mutants, verdicts, strict=True)]
    return MutationRun(Proven(), Mutants(mutants), trials)  # type: ignore[arg-type]


def test_an_explained_survivor_does_not_count(tmp_path: Path) -> None:
    run = ended(("to-public app.t.p[1]", SURVIVED), ("using-true app.t.p", LEAKED), ("no-force app.t", REFUSED))
    report = mutation_report(run, [Explained("to-public app.t.*", "nobody new")])
    assert (report.exit_code, report.summary["score"], report.summary["explained"]) == (0, 100.0, 1)
    twin = mutation_report(run, [])
    assert (twin.exit_code, twin.summary["score"]) == (1, pytest.approx(200 / 3))


def test_entries_that_explain_nothing_are_reported() -> None:
    run = ended(("a x", SURVIVED), ("b y", LEAKED))
    explained = [Explained("a x", "right"), Explained("b *", "was right"), Explained("c *", "gone")]
    report = mutation_report(run, explained, "survivors.toml")
    stale = [finding.message for finding in report.findings if finding.rule == "survivor_out_of_date"]
    assert stale == [
        "b * is explained as a survivor and is caught now",
        "c * is explained as a survivor and is no mutant",
    ]
    assert report.exit_code == 1
    # A part of the project says nothing about the rest of the list.
    part = mutation_report(run, explained, "survivors.toml", whole=False)
    assert len([finding for finding in part.findings if finding.rule == "survivor_out_of_date"]) == 1


def test_brackets_of_an_id_are_no_pattern() -> None:
    entry = Explained("without-condition f(uuid[]): a = any(b)*", "x")
    assert entry.matches("without-condition f(uuid[]): a = any(b) or c")
    assert not entry.matches("without-condition fu: a = anyb")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[survivor]]\nmutant = 'x'\n", "Entry 1 has other keys"),
        ("[[survivor]]\nmutant = 'x'\nreason = ' '\n", "Entry 1: reason is empty"),
        ("mutant = 'x'\n", "It holds mutant"),
        ("[[survivor\n", "cannot read"),
    ],
)
def test_a_bad_list_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "survivors.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DbkitError) as caught:
        load_survivors(file)
    assert message in caught.value.message + (caught.value.detail or "")


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DbkitError, match="not found"):
        load_survivors(tmp_path / "none.toml")


# The command


def test_the_command(run, clean: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from leak_schema import TENANCY

    (tmp_path / "survivors.toml").write_text("[[survivor]]\nmutant = 'nothing *'\nreason = 'none'\n", encoding="utf-8")
    only(monkeypatch, lambda mutant: mutant.id == "using-true app.invoices.own_select")
    plain = tenancy_file(tmp_path, **TENANCY)
    arguments = ["--database", clean.conninfo, "--tenancy", str(plain), "--mutate"]
    code, out, _ = run(*arguments)
    assert code == 0, out
    assert "mutation score: 100.0 %" in out
    listed = tenancy_file(tmp_path, **TENANCY, survivors="survivors.toml")
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(listed), "--mutate", "--format", "json")
    assert code == 1
    assert '"survivor_out_of_date"' in out
    code, _, err = run(*arguments, "--static")
    assert code == 2
    assert "--static" in err
