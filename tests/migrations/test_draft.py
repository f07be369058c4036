"""`dbkit migrate new`: what is drafted applies, reverts, and gives the declared tree."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dbkit import drift, source
from dbkit.catalog import Snapshot, snapshot
from dbkit.config import Config, load_config
from dbkit.errors import DbkitError
from dbkit.migrate import draft, runner
from dbkit.postgres import Server
from dbkit.recipe import project_recipe

Edit = Mapping[str, str]
WriteProject = Callable[[Edit], Config]

MODULE = "create schema a;\n\ncomment on schema a is 'Pets.';\n"
PETS = """-- a.pets: animals.

create table a.pets (
    id      integer not null,
    name    text    not null default 'Rex',
    weight  numeric,

    constraint pets_pkey primary key (id)
);

comment on table a.pets is 'Animals.';
"""
GREET = """-- a.greet: a greeting.

create or replace function a.greet(name text) returns text
    language sql stable
as $fn$
    select 'hello ' || name
$fn$;

revoke execute on function a.greet(text) from public;

comment on function a.greet(text) is 'A greeting.';
"""
GUARD = """-- a.pets: everybody reads light ones.

alter table a.pets enable row level security;
alter table a.pets force row level security;

create policy select_light on a.pets
    for select to public
    using (weight < 10);

comment on policy select_light on a.pets is 'Light ones.';

grant select on a.pets to pg_monitor;

create trigger _100_same
    before update on a.pets
    for each row execute function suppress_redundant_updates_trigger();
"""
# Writes a trigger function for the columns a table has, as core.attach_audit does.
WATCH = """
create or replace function a.watch(p_table regclass) returns void
    language plpgsql
as $fn$
declare
    v_columns text := (select string_agg(attname, ' ' order by attname) from pg_attribute
                        where attrelid = p_table and attnum > 0 and not attisdropped);
begin
    execute format('create or replace function a.tg_watch() returns trigger language plpgsql as %L',
                   format('begin raise notice %L; return null; end', v_columns));
    execute format('create or replace trigger _900_watch after insert on %s '
                   'for each row execute function a.tg_watch(%L)', p_table, v_columns);
end
$fn$;
"""
TREE = {
    "sql/schema/a/_module.sql": MODULE,
    "sql/schema/a/pets.sql": PETS,
    "sql/functions/a/greet.sql": GREET,
    "sql/policies/a/pets.sql": GUARD,
}


@pytest.fixture
def write(tmp_path: Path) -> WriteProject:
    """Write files of a project with one module `a`; "" removes a file."""
    (tmp_path / "dbkit.toml").write_text("[modules]\na = []\n")

    def write_files(files: Edit) -> Config:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text) if text else path.unlink()
        return load_config(tmp_path / "dbkit.toml")

    return write_files


def state(server: Server, config: Config, *, declared: bool = False) -> Snapshot:
    recipe = project_recipe(config, via="declared" if declared else "migrations")
    with server.template(recipe).clone() as clone:
        return snapshot(clone.conninfo)


def new(server: Server, config: Config, title: str, author: str = "Ada") -> Path:
    """Draft and return the only file."""
    (path,) = draft.new_migrations(config, "a", title, author, server=server)
    return path


def assert_equal(one: Snapshot, other: Snapshot) -> None:
    assert [f"{finding.object} {finding.message}" for finding in drift.compare(one, other)] == []


def drafted(
    server: Server, write: WriteProject, edit: Edit, title: str = "change it", *, tree: Edit = TREE
) -> list[str]:
    """Draft the baseline, edit, draft again; prove all equalities; return the texts of the second draft."""
    config = write(tree)
    new(server, config, "pets")
    before = state(server, config)
    config = write(edit)
    paths = draft.new_migrations(config, "a", title, "Ada", server=server)
    assert_equal(state(server, config, declared=True), state(server, config))
    with server.template(project_recipe(config, via="migrations")).clone() as clone:
        for _ in paths:
            runner.revert(clone.conninfo, config, module="a")
        assert_equal(before, snapshot(clone.conninfo))
        runner.apply(clone.conninfo, config)
        assert_equal(state(server, config, declared=True), snapshot(clone.conninfo))
    return [path.read_text() for path in paths]


def sections(text: str) -> tuple[str, str, str]:
    """Header, up and down of a migration."""
    header, up, down = re.split(r"^-- migrate:(?:up|down).*\n", text, flags=re.MULTILINE)
    return header, up, down


def test_the_first_draft_is_a_baseline(server: Server, write: WriteProject) -> None:
    config = write(TREE)
    path = new(server, config, "All about pets!", "Ada Lovelace")
    assert re.fullmatch(r"\d{14}_create_table_all_about_pets\.sql", path.name)
    header, up, down = sections(path.read_text())
    day = f"{path.name[:4]}-{path.name[4:6]}-{path.name[6:8]}"
    assert header.splitlines() == [
        f"-- Migration: {path.stem}",
        "-- Description: All about pets!",
        "-- Author: Ada Lovelace",
        f"-- Date: {day}",
        "-- Dependencies: none",
        "-- Rollback: down section",
        "",
    ]
    positions = [up.index(text.strip()) for text in (MODULE, PETS, GREET, GUARD)]
    assert positions == sorted(positions)  # word for word, in build order
    assert [line for line in down.split("\n") if line] == [
        "drop trigger _100_same on a.pets;",
        "drop policy select_light on a.pets;",
        "drop function a.greet(text);",
        "drop table a.pets;",
        "drop schema a;",
    ]
    assert_equal(state(server, config, declared=True), state(server, config))


def test_a_changed_function_is_copied_and_comes_back(server: Server, write: WriteProject) -> None:
    changed = GREET.replace("hello", "hi").replace("A greeting.", "A short greeting.")
    (text,) = drafted(server, write, {"sql/functions/a/greet.sql": changed})
    header, up, down = sections(text)
    assert "_fn_change_it" in header
    assert up.strip() == changed.strip()
    assert "hello" in down and "comment on function a.greet(text) is 'A greeting.';" in down


def test_a_changed_result_type_drops_the_function_first(server: Server, write: WriteProject) -> None:
    changed = GREET.replace("returns text", "returns integer").replace("'hello ' || name", "length(name)")
    (text,) = drafted(server, write, {"sql/functions/a/greet.sql": changed})
    _, up, down = sections(text)
    assert up.strip().startswith("drop function a.greet(text);")
    assert "revoke all on function a.greet(text) from public;" in down


def test_a_function_that_is_gone_is_dropped_and_comes_back(server: Server, write: WriteProject) -> None:
    (text,) = drafted(server, write, {"sql/functions/a/greet.sql": ""})
    _, up, _ = sections(text)
    assert up.strip() == "drop function a.greet(text);"


def test_a_changed_policy_copies_the_guard_sheet(server: Server, write: WriteProject) -> None:
    changed = (
        GUARD.replace("< 10", "< 20") + "\ncreate policy insert_any on a.pets for insert to public with check (true);\n"
    )
    (text,) = drafted(server, write, {"sql/policies/a/pets.sql": changed})
    header, up, down = sections(text)
    assert "_rls_change_it" in header
    assert up.strip().endswith(changed.strip())
    assert up.strip().startswith(
        "drop policy if exists select_light on a.pets;\ndrop trigger if exists _100_same on a.pets;"
    )
    assert "(weight < (10)::numeric)" in down
    assert "drop policy insert_any on a.pets;" in down


def test_a_policy_that_is_gone_is_dropped(server: Server, write: WriteProject) -> None:
    changed = GUARD.replace("select_light", "select_small")
    (text,) = drafted(server, write, {"sql/policies/a/pets.sql": changed})
    assert "drop policy if exists select_light on a.pets;" in sections(text)[1]


WATCHED = {"sql/functions/a/watch.sql": WATCH, "sql/policies/a/pets.sql": GUARD + "\nselect a.watch('a.pets');\n"}


def test_what_a_call_generates_comes_with_its_sheet_and_goes_again(server: Server, write: WriteProject) -> None:
    (text,) = drafted(server, write, WATCHED)
    _, up, down = sections(text)
    assert "select a.watch('a.pets');" in up
    assert "drop trigger _900_watch on a.pets;" in down
    assert "drop function a.tg_watch();" in down


def test_a_new_column_generates_again(server: Server, write: WriteProject) -> None:
    wider = {"sql/schema/a/pets.sql": PETS.replace("weight  numeric,", "weight  numeric,\n    color   text,")}
    (text,) = drafted(server, write, wider, tree={**TREE, **WATCHED})
    _, up, down = sections(text)
    assert up.index("color") < up.index("select a.watch('a.pets');")
    assert "raise notice 'id name weight'" in down


def test_another_generator_generates_again(server: Server, write: WriteProject) -> None:
    louder = {"sql/functions/a/watch.sql": WATCH.replace("raise notice", "raise warning")}
    (text,) = drafted(server, write, louder, tree={**TREE, **WATCHED})
    assert "select a.watch('a.pets');" in sections(text)[1]


def test_a_grant_that_is_gone_is_revoked(server: Server, write: WriteProject) -> None:
    changed = GUARD.replace("grant select on a.pets to pg_monitor;", "grant insert (name) on a.pets to pg_monitor;")
    (text,) = drafted(server, write, {"sql/policies/a/pets.sql": changed})
    header, up, down = sections(text)
    assert "_grant_change_it" in header
    assert up.split("\n")[1:3] == [
        "revoke select on table a.pets from pg_monitor;",
        "grant insert (name) on table a.pets to pg_monitor;",
    ]
    assert "grant select on table a.pets to pg_monitor;" in down


def test_a_function_grant_alone_copies_nothing(server: Server, write: WriteProject) -> None:
    changed = GREET + "\ngrant execute on function a.greet(text) to pg_monitor;\n"
    (text,) = drafted(server, write, {"sql/functions/a/greet.sql": changed})
    assert sections(text)[1].strip() == "grant execute on function a.greet(text) to pg_monitor;"


def test_a_new_table_comes_word_for_word_with_its_guard(server: Server, write: WriteProject) -> None:
    table = "-- a.toys: things.\n\ncreate table a.toys (id integer);\n\ncreate index toys_id_idx on a.toys (id);\n"
    guard = "alter table a.toys enable row level security;\n\ncreate policy p on a.toys to public using (true);\n"
    (text,) = drafted(server, write, {"sql/schema/a/toys.sql": table, "sql/policies/a/toys.sql": guard})
    header, up, down = sections(text)
    assert "_create_table_change_it" in header
    assert table.strip() in up and guard.strip() in up and "concurrently" not in up
    assert down.strip() == "drop policy p on a.toys;\n\ndrop table a.toys;".replace("\n\n", "\n")


def test_a_new_column_default_and_comment(server: Server, write: WriteProject) -> None:
    changed = (
        PETS.replace(
            "    weight  numeric,", "    weight  numeric,\n    colour  text check (colour <> ''), -- of the fur"
        )
        .replace("default 'Rex'", "default 'Tom'")
        .replace("'Animals.';", "'All animals.';\ncomment on column a.pets.colour is 'Of the fur.';")
    )
    text, validation = drafted(server, write, {"sql/schema/a/pets.sql": changed})
    header, up, down = sections(text)
    assert "_alter_table_change_it" in header
    assert "alter table a.pets add column colour text;" in up
    assert "add constraint pets_colour_check check (colour <> '') not valid;" in up
    assert "validate constraint pets_colour_check;" in validation
    assert "alter table a.pets alter column name set default 'Tom'::text;" in up
    assert "alter table a.pets drop column colour;" in down


def test_default_privileges_name_their_role(server: Server, write: WriteProject) -> None:
    """They belong to one role; whoever applies the migration need not be it."""
    changed = (
        MODULE
        + "\nalter default privileges for role pg_monitor in schema a grant select on tables to pg_database_owner;\n"
    )
    (text,) = drafted(server, write, {"sql/schema/a/_module.sql": changed})
    _, up, down = sections(text)
    on = "alter default privileges for role pg_monitor in schema a"
    assert f"{on} grant select on tables to pg_database_owner;" in up
    assert f"{on} revoke select on tables from pg_database_owner;" in down


def test_checks_and_foreign_keys_are_validated_outside_the_transaction(server: Server, write: WriteProject) -> None:
    changed = PETS.replace(
        "    constraint pets_pkey",
        "    mother  integer default 0 not null references a.pets (id) on delete cascade,\n"
        "    constraint pets_weight_positive check (weight > 0),\n"
        "    constraint pets_pkey",
    )
    first, second = drafted(server, write, {"sql/schema/a/pets.sql": changed})
    assert "add constraint pets_weight_positive check (weight > 0) not valid;" in first
    assert "add column mother integer default 0 not null;" in first
    assert (
        "add constraint pets_mother_fkey FOREIGN KEY (mother) REFERENCES a.pets(id) ON DELETE CASCADE not valid;"
        in first
    )
    header, up, _ = sections(second)
    assert "-- migrate:up transaction:false" in second and "_idx_change_it" in header
    assert re.search(r"-- Dependencies: a/\d{14}\n", header)
    assert sorted(up.split("\n")) == [
        "",
        "",
        "",
        "alter table a.pets validate constraint pets_mother_fkey;",
        "alter table a.pets validate constraint pets_weight_positive;",
    ]


def test_a_column_that_must_be_filled_says_so(server: Server, write: WriteProject) -> None:
    changed = PETS.replace("    weight  numeric,", "    weight  numeric not null,\n    colour  text not null,")
    first, second = drafted(server, write, {"sql/schema/a/pets.sql": changed})
    assert "-- colour is not null in the declared tree: fill it before the constraint is validated." in first
    assert "alter table a.pets add column colour text;" in first
    assert "alter table a.pets add constraint pets_colour_filled check (colour is not null) not valid;" in first
    for column in ("colour", "weight"):
        assert (
            f"validate constraint pets_{column}_filled;\nalter table a.pets alter column {column} set not null;"
            in second
        )


def test_indexes_on_existing_tables_are_built_concurrently(server: Server, write: WriteProject) -> None:
    changed = PETS + "\n-- Lists by name.\ncreate index pets_name_idx on a.pets (name)\n    where weight > 0;\n"
    (text,) = drafted(server, write, {"sql/schema/a/pets.sql": changed}, "find pets by name")
    header, up, down = sections(text)
    assert "_idx_find_pets_by_name" in header and "-- migrate:up transaction:false" in text
    assert up.strip() == "create index concurrently pets_name_idx on a.pets (name)\n    where weight > 0;"
    assert down.strip() == "drop index concurrently a.pets_name_idx;"


def test_a_unique_constraint_takes_over_a_concurrent_index(server: Server, write: WriteProject) -> None:
    changed = PETS.replace(
        "    constraint pets_pkey", "    constraint pets_name_key unique (name),\n    constraint pets_pkey"
    )
    (text,) = drafted(server, write, {"sql/schema/a/pets.sql": changed})
    up = sections(text)[1]
    assert "CREATE UNIQUE INDEX concurrently pets_name_key ON a.pets" in up
    assert "alter table a.pets add constraint pets_name_key unique using index pets_name_key;" in up


def test_a_new_and_a_changed_view(server: Server, write: WriteProject) -> None:
    view = "create view a.names as\n    select name from a.pets;\n\ngrant select on a.names to pg_monitor;\n"
    config = write({**TREE, "sql/schema/a/names.sql": view})
    new(server, config, "pets")
    before = state(server, config)
    config = write({"sql/schema/a/names.sql": view.replace("select name", "select id, name")})
    (path,) = draft.new_migrations(config, "a", "show ids", "Ada", server=server)
    assert "_view_show_ids" in path.name
    assert sections(path.read_text())[1].strip().startswith("drop view a.names;\n\ncreate view a.names as")
    with server.template(project_recipe(config, via="migrations")).clone() as clone:
        assert_equal(state(server, config, declared=True), snapshot(clone.conninfo))
        runner.revert(clone.conninfo, config, module="a")
        assert_equal(before, snapshot(clone.conninfo))


def test_what_takes_data_away_is_noted_not_drafted(server: Server, write: WriteProject) -> None:
    config = write(TREE)
    new(server, config, "pets")
    write({"sql/schema/a/pets.sql": PETS.replace("    weight  numeric,\n", ""), "sql/policies/a/pets.sql": ""})
    path = new(server, config, "slim down")
    header, up, _ = sections(path.read_text())
    assert "drop column" not in up
    assert re.search(r"-- Not drafted: column a\.pets\.weight .*\n", header)


def test_a_draft_that_cannot_apply_says_why(server: Server, write: WriteProject) -> None:
    config = write(
        {**TREE, "sql/schema/a/names.sql": "create view a.names as select a.greet(name) as hello from a.pets;"}
    )
    new(server, config, "pets")
    changed = GREET.replace("returns text", "returns integer").replace("'hello ' || name", "length(name)")
    config = write({"sql/functions/a/greet.sql": changed})
    header, up, _ = sections(new(server, config, "count letters").read_text())
    assert "drop function a.greet(text);" in up
    expected = "cannot drop function a.greet(text) because other objects depend on it"
    assert f"-- This draft does not apply as it is: {expected}.\n" in header


def test_nothing_to_draft_gives_a_skeleton_for_data(server: Server, write: WriteProject) -> None:
    config = write(TREE)
    first = new(server, config, "pets")
    path = new(server, config, "round the weights")
    assert draft.is_empty(path) and not draft.is_empty(first)
    assert path.name.endswith("_update_data_round_the_weights.sql")
    header, up, down = sections(path.read_text())
    assert (up.strip(), down.strip()) == ("", "")
    assert "Not drafted" not in header


def test_a_title_with_a_prefix_keeps_it(server: Server, write: WriteProject) -> None:
    config = write(TREE)
    assert new(server, config, "seed pets").name.endswith("_seed_pets.sql")


def test_versions_are_later_than_the_newest(server: Server, write: WriteProject) -> None:
    config = write({**TREE, "sql/migrations/a/29991231235959_update_data_far.sql": SKELETON})
    paths = [new(server, config, "next") for _ in range(2)]
    assert [path.name[:14] for path in paths] == ["30000101000000", "30000101000001"]


SKELETON = """-- Migration: 29991231235959_update_data_far
-- Description: far
-- Author: Ada
-- Date: 2999-12-31
-- Dependencies: none
-- Rollback: down section

-- migrate:up

-- migrate:down
"""


@pytest.mark.parametrize(
    ("module", "title", "message"),
    [("b", "x", "unknown module: b"), ("a", " !? ", "empty title")],
)
def test_bad_input(write: WriteProject, module: str, title: str, message: str) -> None:
    config = write(TREE)
    with pytest.raises(DbkitError, match=message):
        draft.new_migration(config, module, title, "Ada")
    assert not (config.root / "sql/migrations").exists()


def test_a_folder_that_cannot_be_made_is_no_traceback(server: Server, write: WriteProject) -> None:
    config = write({**TREE, "sql/migrations": "a file where the folder should be"})
    with pytest.raises(DbkitError, match=r"cannot write .*sql/migrations/a/"):
        new(server, config, "pets")


def test_shipped_baselines_are_the_declared_tree(config: Config, server: Server) -> None:
    assert_equal(state(server, config, declared=True), state(server, config))


def test_shipped_baselines_revert_and_apply_again(config: Config, server: Server) -> None:
    recipe = project_recipe(config, via="migrations")
    with server.database() as bare:
        from dbkit import build

        build.bootstrap(bare.conninfo, config)
        empty = snapshot(bare.conninfo)
    with server.template(recipe).clone() as clone:
        build.bootstrap(clone.conninfo, config)
        replayed = snapshot(clone.conninfo)
        runner.revert(clone.conninfo, config, to="0")
        assert_equal(empty, snapshot(clone.conninfo))
        runner.apply(clone.conninfo, config)
        assert_equal(replayed, snapshot(clone.conninfo))


@pytest.mark.parametrize(
    ("isolation", "expected"),
    [
        ("trusted", "-- Context, mode trusted"),
        ("signed", "revoke execute on function core.set_context(uuid, uuid, text, text) from app_user;"),
    ],
)
def test_switching_the_isolation_is_drafted(
    config: Config, server: Server, tmp_path: Path, isolation: str, expected: str
) -> None:
    for kind in source.KINDS:
        shutil.copytree(source.sql_root(config) / kind / "core", tmp_path / "sql" / kind / "core")
    project = '[modules]\ncore = []\n[migrations]\nrole = "app_owner"\n[core]\nisolation = '
    (tmp_path / "dbkit.toml").write_text(f'{project}"sealed"\n')
    draft.write_baseline(load_config(tmp_path / "dbkit.toml"), "core", "20260101000000", "Ada", server=server)
    (tmp_path / "dbkit.toml").write_text(f'{project}"{isolation}"\n')
    switched = load_config(tmp_path / "dbkit.toml")
    before = state(server, switched)
    (path,) = draft.new_migrations(switched, "core", f"switch to {isolation}", "Ada", server=server)
    header, up, _ = sections(path.read_text())
    assert len(header.strip().splitlines()) == 6  # and no notes
    assert expected in up and "create table" not in up
    after = state(server, switched)
    assert_equal(state(server, switched, declared=True), after)
    assert drift.compare(before, after) != []
