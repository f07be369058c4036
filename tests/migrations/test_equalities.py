"""The three equalities on small projects that hold and that break, and on the modules dbkit ships."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest

from dbkit import equalities
from dbkit.catalog import snapshot
from dbkit.config import Config, load_config
from dbkit.equalities import declared
from dbkit.equalities import live as live_equality
from dbkit.errors import DbkitError
from dbkit.migrate import runner
from dbkit.postgres import Database, Server, open_server
from dbkit.postgres.binaries import Binaries, choose_binaries, find_binaries
from dbkit.report import Severity

REPO = Path(__file__).resolve().parents[2]

HEADER = """-- Migration: {name}
-- Description: a step of a test.
-- Author: test
-- Date: {date}
-- Dependencies: none
-- Rollback: {rollback}
"""

CREATE_GOODS = """create table shop.goods (
    tenant_id integer not null,
    id integer not null,
    primary key (tenant_id, id)
);
alter table shop.goods enable row level security;
create policy own on shop.goods using (tenant_id = 1);
"""


@dataclass
class Project:
    """A project in a folder: write files, load its configuration."""

    root: Path
    written: list[Path] = field(default_factory=list)

    def declare(self, path: str, text: str) -> None:
        """A file of the declared tree, such as `schema/shop/goods.sql`."""
        file = self.root / "sql" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def migration(self, day: int, name: str, up: str, down: str | None = "", reason: str = "") -> Path:
        """A migration of the line `shop`, one a day; `down=None` makes it irreversible for `reason`."""
        rollback = "down section" if down is not None else f"irreversible: {reason}"
        file = self.root / f"sql/migrations/shop/202601{day:02}000000_{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = HEADER.format(name=file.stem, date=f"2026-01-{day:02}", rollback=rollback) + f"\n-- migrate:up\n{up}\n"
        file.write_text(text + (f"\n-- migrate:down\n{down}\n" if down is not None else ""), encoding="utf-8")
        self.written.append(file)
        return file

    @property
    def config(self) -> Config:
        return load_config(self.root / "dbkit.toml")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Schema and one table, declared and migrated alike."""
    made = Project(tmp_path)
    (tmp_path / "dbkit.toml").write_text("[modules]\nshop = []\n", encoding="utf-8")
    made.declare("schema/shop/_module.sql", "create schema shop;")
    made.declare("schema/shop/goods.sql", CREATE_GOODS)
    made.migration(1, "create_table_module", "create schema shop;", "drop schema shop;")
    made.migration(2, "create_table_goods", CREATE_GOODS, "drop table shop.goods;")
    return made


def run(database: Database, *statements: str) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def told(outcome: equalities.Outcome) -> list[tuple[str, str | None]]:
    return [(finding.rule, finding.object) for finding in outcome.findings]


class TestDeclaredEqualsMigrations:
    def test_a_project_that_says_the_same_twice_is_equal(self, server: Server, project: Project) -> None:
        outcome = equalities.declared_equals_migrations(server, project.config, oracle=True)
        assert told(outcome) == []
        assert outcome.checked > 4

    def test_a_forgotten_migration_is_named(self, server: Server, project: Project) -> None:
        project.declare("schema/shop/goods.sql", CREATE_GOODS.replace("tenant_id", "note text,\n    tenant_id", 1))
        outcome = equalities.declared_equals_migrations(server, project.config)
        assert told(outcome) == [("missing_in_migrations", "column shop.goods.note")]
        assert "dbkit migrate new" in (outcome.findings[0].hint or "")

    def test_a_forgotten_declared_file_is_named(self, server: Server, project: Project) -> None:
        project.migration(3, "create_table_more", "create table shop.more (id integer);", "drop table shop.more;")
        assert told(equalities.declared_equals_migrations(server, project.config)) == [
            ("extra_in_migrations", "table shop.more")
        ]

    def test_a_policy_that_differs_in_a_constant_only_is_named(self, server: Server, project: Project) -> None:
        project.declare("schema/shop/goods.sql", CREATE_GOODS.replace("tenant_id = 1", "tenant_id = 2"))
        outcome = equalities.declared_equals_migrations(server, project.config)
        assert told(outcome) == [("differs", "policy own on shop.goods")]
        assert "(tenant_id = 2)" in (outcome.findings[0].detail or "")

    def test_columns_in_another_order_are_equal(self, server: Server, project: Project) -> None:
        add = "alter table shop.goods add column note text;"
        project.migration(3, "alter_table_goods", add, "alter table shop.goods drop column note;")
        project.declare("schema/shop/goods.sql", CREATE_GOODS.replace("tenant_id", "note text,\n    tenant_id", 1))
        assert told(equalities.declared_equals_migrations(server, project.config, oracle=True)) == []

    def test_the_oracle_speaks_when_a_snapshot_is_blind(
        self, server: Server, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        statistics = "create statistics shop.goods_stats on tenant_id, id from shop.goods;"
        project.declare("schema/shop/goods.sql", CREATE_GOODS + statistics)
        assert told(equalities.declared_equals_migrations(server, project.config)) == [
            ("missing_in_migrations", "statistics shop.goods_stats")
        ]
        monkeypatch.setattr(
            declared, "snapshot", lambda *args, **options: replace(snapshot(*args, **options), statistics={})
        )
        assert told(equalities.declared_equals_migrations(server, project.config)) == []
        blind = equalities.declared_equals_migrations(server, project.config, oracle=True)
        assert ("dump_differs", "CREATE STATISTICS shop.goods_stats ON id, tenant_id FROM shop.goods") in told(blind)

    def test_a_project_without_modules_says_that_it_was_skipped(self, server: Server, tmp_path: Path) -> None:
        outcome = equalities.declared_equals_migrations(server, Config(root=tmp_path))
        assert outcome.skipped


class TestEveryMigrationReverts:
    def test_true_down_sections_pass(self, server: Server, project: Project) -> None:
        outcome = equalities.every_migration_reverts(server, project.config)
        assert told(outcome) == []
        assert (outcome.checked, outcome.exempt) == (2, {})

    def test_a_down_section_that_forgets_something_is_named_with_its_file(
        self, server: Server, project: Project
    ) -> None:
        up = "create index goods_idx on shop.goods (id); comment on table shop.goods is 'x';"
        file = project.migration(3, "create_index_goods", up, "drop index shop.goods_idx;")
        project.migration(4, "alter_table_goods", "alter table shop.goods add a int;", "alter table shop.goods drop a;")
        outcome = equalities.every_migration_reverts(server, project.config)
        assert told(outcome) == [("down_is_not_inverse", "table shop.goods")]
        finding = outcome.findings[0]
        assert finding.location is not None
        assert file.name in finding.location.file
        assert "comment" in finding.message
        assert outcome.checked == 4

    def test_a_down_section_that_fails_does_not_stop_the_others(self, server: Server, project: Project) -> None:
        project.migration(3, "alter_table_goods", "alter table shop.goods add a integer;", "drop table shop.typo;")
        project.migration(4, "alter_table_more", "alter table shop.goods add b integer;", "")
        outcome = equalities.every_migration_reverts(server, project.config)
        assert [finding.rule for finding in outcome.findings] == ["down_fails", "down_is_not_inverse", "up_again_fails"]
        assert "typo" in outcome.findings[0].message

    def test_a_second_up_that_does_something_else_is_named(self, server: Server, project: Project) -> None:
        up = "create table if not exists shop.a (id integer default 1);"
        project.migration(3, "create_table_a", up, "alter table shop.a alter id drop default;")
        rules = [finding.rule for finding in equalities.every_migration_reverts(server, project.config).findings]
        assert rules == ["down_is_not_inverse", "up_again_differs"]

    def test_irreversible_migrations_are_exempt_and_listed(self, server: Server, project: Project) -> None:
        file = project.migration(3, "alter_table_goods", "alter table shop.goods add a integer;", None, "data is gone")
        outcome = equalities.every_migration_reverts(server, project.config)
        assert told(outcome) == []
        assert outcome.checked == 2
        assert outcome.exempt == {f"shop/{file.name[:14]}": "data is gone"}

    def test_a_migration_outside_a_transaction_goes_down_and_up(self, server: Server, project: Project) -> None:
        file = project.migration(
            3,
            "create_index_goods",
            "create index concurrently goods_idx on shop.goods (id);",
            "drop index concurrently shop.goods_idx;",
        )
        text = file.read_text(encoding="utf-8")
        for direction in ("up", "down"):
            text = text.replace(f"-- migrate:{direction}\n", f"-- migrate:{direction} transaction:false\n")
        file.write_text(text, encoding="utf-8")
        outcome = equalities.every_migration_reverts(server, project.config)
        assert told(outcome) == []
        assert outcome.checked == 3

    def test_a_migration_that_does_not_apply_is_an_error(self, server: Server, project: Project) -> None:
        project.migration(3, "alter_table_goods", "alter table shop.typo add a integer;")
        with pytest.raises(DbkitError):
            equalities.every_migration_reverts(server, project.config)

    def test_a_foreign_folder_without_modules(self, server: Server, tmp_path: Path) -> None:
        folder = tmp_path / "db"
        folder.mkdir()
        (folder / "001_one.up.sql").write_text("create table public.one (id integer);")
        (folder / "001_one.down.sql").write_text("drop table public.one;")
        (folder / "002_two.up.sql").write_text("create table public.two (id integer);")
        (folder / "002_two.down.sql").write_text("select 1;")
        config = Config(root=tmp_path)
        config = replace(config, migrations=replace(config.migrations, dir="db", layout="golang-migrate"))
        rules = [finding.rule for finding in equalities.every_migration_reverts(server, config).findings]
        assert rules == ["down_is_not_inverse", "up_again_fails"]


class TestLiveEqualsMigrations:
    @pytest.fixture
    def live(self, server: Server, project: Project, database: Database) -> Database:
        """A live database that `dbkit migrate apply` brought up to date."""
        runner.apply(database.conninfo, project.config)
        return database

    def test_an_untouched_database_is_equal(self, server: Server, project: Project, live: Database) -> None:
        outcome = equalities.live_equals_migrations(server, project.config, live.conninfo)
        assert told(outcome) == []
        assert outcome.checked > 4

    def test_a_column_added_by_hand_is_named(self, server: Server, project: Project, live: Database) -> None:
        run(live, "alter table shop.goods add column by_hand text")
        outcome = equalities.live_equals_migrations(server, project.config, live.conninfo)
        assert told(outcome) == [("extra_in_database", "column shop.goods.by_hand")]
        assert outcome.findings[0].message == "is in the database but not in the migrations"

    def test_security_switched_off_by_hand_is_named(self, server: Server, project: Project, live: Database) -> None:
        run(live, "alter table shop.goods disable row level security", "grant select on shop.goods to public")
        outcome = equalities.live_equals_migrations(server, project.config, live.conninfo)
        assert told(outcome) == [("differs", "table shop.goods")]
        assert outcome.findings[0].message.endswith(": grants, row security")

    def test_partitions_that_come_and_go_are_no_drift_unless_they_are_open(
        self, server: Server, project: Project, database: Database
    ) -> None:
        secure = "alter table shop.{0} enable row level security; alter table shop.{0} force row level security;"
        project.migration(
            3, "create_table_days",
            "create table shop.days (id integer not null, on_day date not null) partition by range (on_day);"
            "create table shop.days_1 partition of shop.days for values from ('2026-01-01') to ('2026-01-02');"
            + secure.format("days") + secure.format("days_1"),
        )  # fmt: skip
        runner.apply(database.conninfo, project.config)
        make = "create table shop.{0} partition of shop.days for values from ('{1}') to ('{2}')"
        run(database, "drop table shop.days_1", make.format("days_2", "2026-01-02", "2026-01-03"))
        run(database, *secure.format("days_2").strip(";").split("; "))
        assert told(equalities.live_equals_migrations(server, project.config, database.conninfo)) == []
        run(database, make.format("days_3", "2026-01-03", "2026-01-04"))
        assert told(equalities.live_equals_migrations(server, project.config, database.conninfo)) == [
            ("extra_in_database", "table shop.days_3")
        ]

    def test_the_schedule_of_seeds_is_no_drift_and_that_of_migrations_is(
        self, server: Server, project: Project, database: Database
    ) -> None:
        project.migration(
            3, "create_table_cron_jobs",
            "create schema core;"
            "create table core.cron_jobs (name text primary key, schedule text, is_enabled boolean);"
            "insert into core.cron_jobs values ('nightly', '0 3 * * *', true);",
        )  # fmt: skip
        runner.apply(database.conninfo, project.config)
        run(
            database,
            "insert into core.cron_jobs values ('seeded', '* * * * *', true)",
            "update core.cron_jobs set is_enabled = false",
        )
        assert told(equalities.live_equals_migrations(server, project.config, database.conninfo)) == []
        run(database, "update core.cron_jobs set schedule = '0 4 * * *' where name = 'nightly'")
        assert told(equalities.live_equals_migrations(server, project.config, database.conninfo)) == [
            ("differs", "cron job core.cron_jobs nightly")
        ]

    def test_pending_migrations_are_no_drift(self, server: Server, project: Project, live: Database) -> None:
        project.migration(3, "alter_table_goods", "alter table shop.goods add a integer;")
        assert told(equalities.live_equals_migrations(server, project.config, live.conninfo)) == []

    def test_all_reverted_means_empty(self, server: Server, project: Project, live: Database) -> None:
        runner.revert(live.conninfo, project.config, to="0")
        assert told(equalities.live_equals_migrations(server, project.config, live.conninfo)) == []
        run(live, "create schema left_over")
        assert told(equalities.live_equals_migrations(server, project.config, live.conninfo)) == [
            ("extra_in_database", "schema left_over")
        ]

    def test_a_baseline_counts_as_applied(self, server: Server, project: Project, database: Database) -> None:
        run(database, "create schema shop", CREATE_GOODS, "alter table shop.goods add column surprise integer")
        runner.baseline(database.conninfo, project.config)
        assert told(equalities.live_equals_migrations(server, project.config, database.conninfo)) == [
            ("extra_in_database", "column shop.goods.surprise")
        ]

    def test_an_edited_file_is_named(self, server: Server, project: Project, live: Database) -> None:
        file = project.written[1]
        file.write_text(file.read_text(encoding="utf-8").replace("tenant_id = 1", "tenant_id = 2"), encoding="utf-8")
        outcome = equalities.live_equals_migrations(server, project.config, live.conninfo)
        assert [rule for rule, _ in told(outcome)] == ["applied_file_edited", "differs"]

    def test_a_file_that_is_gone_is_a_finding_and_not_a_pass(
        self, server: Server, project: Project, live: Database
    ) -> None:
        project.written[1].unlink()
        outcome = equalities.live_equals_migrations(server, project.config, live.conninfo)
        assert [rule for rule, _ in told(outcome)] == ["applied_file_missing"]
        assert outcome.skipped

    def test_a_database_without_a_ledger_is_an_error(
        self, server: Server, project: Project, database: Database
    ) -> None:
        with pytest.raises(DbkitError) as caught:
            equalities.live_equals_migrations(server, project.config, database.conninfo)
        assert caught.value.message == "the database has no migration ledger"

    def test_the_live_database_is_only_read(self, server: Server, project: Project, live: Database) -> None:
        run(live, f'alter database "{live.name}" set default_transaction_read_only = on')
        assert told(equalities.live_equals_migrations(server, project.config, live.conninfo)) == []

    def test_schemas_of_others_can_be_ignored(self, server: Server, project: Project, live: Database) -> None:
        run(live, "create schema platform", "create table platform.t ()")
        assert told(equalities.live_equals_migrations(server, project.config, live.conninfo)) == [
            ("extra_in_database", "schema platform")
        ]
        ignoring = equalities.live_equals_migrations(server, project.config, live.conninfo, ignore=["platform"])
        assert told(ignoring) == []
        assert told(equalities.live_equals_migrations(server, project.config, live.conninfo, ["shop"])) == []

    def test_an_extension_s_version_is_a_note(self, server: Server, project: Project, live: Database) -> None:
        project.migration(3, "fn_trgm", "create extension pg_trgm schema shop;", "drop extension pg_trgm;")
        runner.apply(live.conninfo, project.config)
        run(live, "update pg_extension set extversion = '0.1' where extname = 'pg_trgm'")
        (finding,) = equalities.live_equals_migrations(server, project.config, live.conninfo).findings
        assert (finding.object, finding.severity) == ("extension pg_trgm", Severity.NOTE)


@pytest.fixture(scope="module")
def elsewhere(config: Config) -> Iterator[Server]:
    """A second server."""
    with open_server(config) as running:
        yield running


class TestAnotherServer:
    """A live server has logins and roles of its own."""

    def test_its_own_roles_are_lent_and_its_runner_is_not_a_difference(
        self, server: Server, elsewhere: Server, project: Project
    ) -> None:
        project.migration(3, "grant_goods", "grant select on shop.goods to hosted;", "")
        with elsewhere.database() as live:
            run(live, "create role deploy login createrole", "create role hosted bypassrls")
            run(live, f'alter database "{live.name}" owner to deploy')
            runner.apply(elsewhere.conninfo(live.name, user="deploy"), project.config)
            deploy = elsewhere.conninfo(live.name, user="deploy")
            assert told(equalities.live_equals_migrations(server, project.config, deploy)) == []
            run(live, "alter table shop.goods owner to hosted")
            outcome = equalities.live_equals_migrations(server, project.config, live.conninfo)
        assert told(outcome) == [("differs", "table shop.goods")]
        assert "owner" in outcome.findings[0].message
        assert server.admin("select 1 from pg_roles where rolname = 'hosted'") == []


def other_majors(config: Config) -> list[Binaries]:
    """The first installation of each major but the one that tests run on."""
    found = {binaries.major: binaries for binaries in reversed(find_binaries(config))}
    found.pop(choose_binaries(config).major, None)
    return [found[major] for major in sorted(found)]


OTHER_MAJORS = other_majors(load_config(REPO / "dbkit.toml"))


class TestAnotherMajor:
    """Majors print definitions differently; the same database is still equal."""

    @pytest.mark.parametrize("binaries", OTHER_MAJORS, ids=[str(binaries.major) for binaries in OTHER_MAJORS])
    def test_the_replay_runs_on_the_live_server_s_major(
        self, server: Server, project: Project, config: Config, binaries: Binaries
    ) -> None:
        view = "create view shop.all_goods as select g.id from shop.goods as g where g.id > 0;"
        project.migration(3, "view_all_goods", view, "drop view shop.all_goods;")
        chosen = replace(config.postgres, provider="local", bin=str(binaries.bin_dir))
        with open_server(replace(config, postgres=chosen)) as elsewhere, elsewhere.database() as live:
            runner.apply(live.conninfo, project.config)
            assert told(equalities.live_equals_migrations(server, project.config, live.conninfo)) == []
            run(live, "alter table shop.goods add column by_hand text")
            assert told(equalities.live_equals_migrations(server, project.config, live.conninfo)) == [
                ("extra_in_database", "column shop.goods.by_hand")
            ]

    def test_without_that_major_what_the_older_has_no_name_for_is_left_out_and_said(
        self, server: Server, project: Project, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newest = max(find_binaries(config), key=lambda binaries: binaries.major)
        monkeypatch.setattr(live_equality, "find_binaries", lambda config: [])
        chosen = replace(config.postgres, provider="local", bin=str(newest.bin_dir))
        with open_server(replace(config, postgres=chosen)) as elsewhere, elsewhere.database() as live:
            runner.apply(live.conninfo, project.config)
            outcome = equalities.live_equals_migrations(server, project.config, live.conninfo)
        expected = [] if newest.major == server.version_num // 10000 else [("server_versions_differ", None)]
        assert told(outcome) == expected
        assert {finding.severity for finding in outcome.findings} <= {Severity.NOTE}


class TestShippedModules:
    """core and rental themselves: what `dbkit drift` says of this repository."""

    def test_declared_equals_migrations_by_snapshot_and_by_oracle(self, server: Server, config: Config) -> None:
        outcome = equalities.declared_equals_migrations(server, config, oracle=True)
        assert [(finding.object, finding.message) for finding in outcome.findings] == []
        assert outcome.checked > 300

    def test_every_migration_reverts(self, server: Server, config: Config) -> None:
        outcome = equalities.every_migration_reverts(server, config)
        assert [(finding.object, finding.message) for finding in outcome.findings] == []
        assert outcome.checked >= 2


def test_summary_is_json(server: Server, project: Project) -> None:
    outcome = equalities.every_migration_reverts(server, project.config)
    assert json.loads(json.dumps(outcome.as_dict())) == {
        "unit": "migration", "checked": 2, "findings": 0, "exempt": {}, "skipped": None,
    }  # fmt: skip
