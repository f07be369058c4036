"""The preset "supabase": schemas as its projects have them, from a database and from a folder of migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leak_schema import execute

from dbkit.leak import Proof, prove
from dbkit.leak.render import report_of
from dbkit.postgres import Database, Server
from dbkit.tenancy.declaration import parse_declaration
from dbkit.tenancy.presets import platform_sql

Run = Callable[..., tuple[int, str, str]]

# What the platform grants beyond rows is another finding; here the policies are on trial.
CLOSE = "revoke truncate, trigger, references on all tables in schema public from anon, authenticated;"

NOTES = """
create table public.notes (
    id            uuid primary key default gen_random_uuid(),
    owner_user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    body          text not null
);
alter table public.notes enable row level security;
create policy "own notes" on public.notes to authenticated
    using ((select auth.uid()) = owner_user_id) with check ((select auth.uid()) = owner_user_id);
"""
ORGANISATIONS = """
create table public.organisations (id uuid primary key default gen_random_uuid(), name text not null);
create table public.members (
    organisation_id uuid not null references public.organisations (id) on delete cascade,
    user_id         uuid not null references auth.users (id) on delete cascade,
    primary key (organisation_id, user_id)
);
create table public.invoices (
    id              uuid primary key default gen_random_uuid(),
    organisation_id uuid not null references public.organisations (id),
    amount          numeric not null
);
create function public.my_organisations() returns setof uuid
    language sql stable security definer set search_path = ''
as $$ select m.organisation_id from public.members m where m.user_id = (select auth.uid()) $$;
alter table public.organisations enable row level security;
alter table public.members enable row level security;
alter table public.invoices enable row level security;
create policy mine on public.organisations for select to authenticated
    using (id in (select public.my_organisations()));
create policy mine on public.members for select to authenticated
    using (organisation_id in (select public.my_organisations()));
create policy mine on public.invoices to authenticated
    using (organisation_id in (select public.my_organisations()));
"""
CLAIMS = """
create table public.reports (
    id        uuid primary key default gen_random_uuid(),
    tenant_id uuid not null,
    title     text not null
);
alter table public.reports enable row level security;
create policy mine on public.reports to authenticated
    using (tenant_id = ((select auth.jwt()) -> 'app_metadata' ->> 'tenant_id')::uuid);
"""
STORAGE = """
insert into storage.buckets (id, name) values ('documents', 'documents');
create policy "own folder" on storage.objects to authenticated
    using (bucket_id = 'documents' and (storage.foldername(name))[1] = (select auth.uid())::text)
    with check (bucket_id = 'documents' and (storage.foldername(name))[1] = (select auth.uid())::text);
"""
TOTAL = """
create function public.invoices_of(p_organisation uuid) returns setof public.invoices
    language sql stable security definer set search_path = ''
as $$
    select i.* from public.invoices i
     where i.organisation_id = p_organisation and i.organisation_id in (select public.my_organisations())
$$;
"""


@pytest.fixture
def project(server: Server) -> Iterator[Database]:
    """A database as the platform gives it."""
    with server.database() as database:
        execute(database.conninfo, platform_sql("supabase"))
        yield database


def proof_of(database: Database, *scripts: str) -> Proof:
    for script in (*scripts, CLOSE):
        execute(database.conninfo, script)
    return prove(database.conninfo, parse_declaration({"preset": "supabase"}, "dbkit.toml"))


def leaks(proof: Proof) -> set[tuple[str, str | None]]:
    return {(each.rule, each.object) for each in report_of(proof).findings if each.verdict == "leak"}


@pytest.mark.parametrize(
    ("script", "table"),
    [
        (NOTES, "public.notes"),
        (ORGANISATIONS, "public.invoices"),
        (CLAIMS, "public.reports"),
        (NOTES + STORAGE, "storage.objects"),
        (ORGANISATIONS + TOTAL, "public.invoices"),
    ],
)
def test_a_sound_project_holds_for_both_roles(project: Database, script: str, table: str) -> None:
    proof = proof_of(project, script)
    report = report_of(proof)
    assert leaks(proof) == set()
    assert report.summary["unverified"] == 0
    assert {role.role for role in proof.roles if any(path.table == table for path in role.paths)} == {
        "anon",
        "authenticated",
    }
    # The permitted twin: what is denied to others is there for its owner.
    own = [path for role in proof.roles if role.role == "authenticated" for path in role.paths if path.table == table]
    controls = [path.control or "" for path in own if path.command == "SELECT"]
    assert controls
    assert not any("on the own rows: 0 rows" in control or not control for control in controls)


@pytest.mark.parametrize(
    ("script", "fault", "expected"),
    [
        (
            NOTES,
            'alter policy "own notes" on public.notes using (auth.uid() is not null)',
            ("foreign_rows_readable", "public.notes"),
        ),
        (
            ORGANISATIONS,
            "create or replace function public.my_organisations() returns setof uuid language sql stable "
            "security definer set search_path = '' as $$ select m.organisation_id from public.members m $$",
            ("foreign_rows_readable", "public.invoices"),
        ),
        (
            NOTES + STORAGE,
            "alter policy \"own folder\" on storage.objects using (bucket_id = 'documents')",
            ("foreign_rows_readable", "storage.objects"),
        ),
        (
            NOTES + STORAGE,
            'alter policy "own folder" on storage.objects '
            "using (name like (select auth.uid())::text || '%') "
            "with check (name like (select auth.uid())::text || '%')",
            ("key_compared_in_part", "storage.objects"),
        ),
        (
            ORGANISATIONS + TOTAL,
            "create or replace function public.invoices_of(p_organisation uuid) returns setof public.invoices "
            "language sql stable security definer set search_path = '' "
            "as $$ select i.* from public.invoices i where i.organisation_id = p_organisation $$",
            ("definer_function_reads_foreign_rows", "public.invoices_of"),
        ),
        (
            NOTES,
            "create policy open on public.notes for select to anon using (true)",
            ("foreign_rows_readable", "public.notes"),
        ),
    ],
)
def test_a_fault_is_shown(project: Database, script: str, fault: str, expected: tuple[str, str]) -> None:
    assert expected in leaks(proof_of(project, script, fault))


def project_folder(tmp_path: Path, *migrations: str) -> None:
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    for number, text in enumerate(migrations, start=1):
        (folder / f"2024010100000{number}_step.sql").write_text(text, encoding="utf-8")
    (tmp_path / "dbkit.toml").write_text(
        '[migrations]\ndir = "supabase/migrations"\n[tenancy]\npreset = "supabase"\n', encoding="utf-8"
    )


def test_a_folder_of_migrations_is_built_on_what_the_platform_has(run: Run, tmp_path: Path) -> None:
    project_folder(tmp_path, NOTES, STORAGE, CLOSE)
    code, out, err = run()
    assert err == ""
    # The older claims are the gateway's like the newer ones: writing one by hand is no state of its own.
    assert out.splitlines()[-1].endswith("192 hold, 0 leak, 0 unverified")
    assert code == 0


def test_an_extension_that_is_not_there_is_left_out_by_name(run: Run, tmp_path: Path) -> None:
    absent = "begin;\ncreate extension if not exists pg_net with schema extensions;\ncommit;\n"
    dependent = "create view public.fetched as select net.http_get('https://example.com') as answer;\n"
    project_folder(tmp_path, NOTES, absent, dependent, CLOSE)
    code, out, _ = run()
    assert code == 2
    assert "extension pg_net" in out
    assert "create view public.fetched" in out


def test_a_refusal_without_a_missing_extension_is_an_error(run: Run, tmp_path: Path) -> None:
    project_folder(tmp_path, NOTES, "create view public.broken as select * from public.no_such_table;\n")
    code, _, err = run()
    assert code == 2
    assert "no_such_table" in err


@pytest.mark.parametrize(
    "again",
    [
        'create policy "own notes" on public.notes to authenticated using (true);\n',
        "create schema auth;\n",
        "create extension plpgsql;\n",
    ],
)
def test_what_is_there_already_is_no_migration_that_ran(run: Run, tmp_path: Path, again: str) -> None:
    project_folder(tmp_path, NOTES, again)
    code, _, err = run()
    assert code == 2
    assert err.startswith("error: 20240101000002_step.sql cannot be run")
    assert "already exists" in err


def test_a_role_of_an_earlier_database_is_taken_as_it_is(run: Run, tmp_path: Path) -> None:
    project_folder(tmp_path, "create role service_role;\n" + NOTES, CLOSE)
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "0 leak, 0 unverified" in out


def test_a_database_without_storage_or_anon_still_takes_the_preset() -> None:
    declaration = parse_declaration({"preset": "supabase", "shared": ["public.plans"]}, "f")
    fitted = declaration.fitted({"public"}, {"authenticated"})
    assert (fitted.app_roles, fitted.shared, dict(fitted.values)) == (("authenticated",), ("public.plans",), {})
    kept = declaration.fitted({"public", "storage"}, {"authenticated", "anon"})
    assert (kept.app_roles, kept.shared) == (("authenticated", "anon"), ("storage.buckets", "public.plans"))


def test_a_declared_caller_that_is_missing_is_not_passed_over() -> None:
    scope = {"name": "partner", "app_roles": ["partner"], "context": []}
    declaration = parse_declaration({"preset": "supabase", "scopes": [scope]}, "f")
    assert declaration.fitted(set(), {"authenticated"}).app_roles == ("authenticated", "partner")
