"""The order of the declared tree follows from what its files mention."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dbkit import build
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.mentions import read_objects

WriteProject = Callable[..., Config]

MODULE = "create schema a;"


def order_of(write_project: WriteProject, files: Mapping[str, str]) -> list[str]:
    config = write_project({"a": []}, {"sql/schema/a/_module.sql": MODULE, **files})
    return [f"{file.kind}/{file.name}" for file in build.build_order(config)]


@pytest.mark.parametrize(
    "mention",
    [
        "create table a.aa (id int references a.zz (id));",
        "create table a.aa (id int) partition by list (id); create table a.ab partition of a.zz for values in (1);",
        "create table a.aa (id int, like a.zz);",
        "create table a.aa (z a.zz);",
        "create table a.aa (z a.zz[]);",
        "create table a.aa (id oid default 'a.zz'::regclass);",
        "create table a.aa (id int check (exists (select from a.zz)));",
        "create view a.aa as select * from a.zz;",
        "create view a.aa as with q as (select 1) select * from q where exists (select from a.zz);",
        "create function a.aa() returns setof a.zz language plpgsql as $$ begin end $$;",
        "create function a.aa(z a.zz) returns int language plpgsql as $$ begin end $$;",
        "create function a.aa(z a.zz.id%type) returns int language plpgsql as $$ begin end $$;",
        "create function a.aa() returns int language plpgsql as $$ declare z a.zz%rowtype; begin end $$;",
        "create function a.aa() returns int language plpgsql as $$ declare z a.zz.id%type; begin end $$;",
        "create function a.aa() returns int language plpgsql as $$ begin declare z a.zz; begin end; end $$;",
        "create function a.aa() returns bigint language sql as 'select count(*) from a.zz';",
        "create function a.aa() returns bigint begin atomic select count(*) from a.zz; end;",
        "create function a.aa() returns bigint return (select count(*) from a.zz);",
        "create policy p on a.zz using (true);",
        "create trigger t before update on a.zz for each row execute function suppress_redundant_updates_trigger();",
        "grant select on a.zz to public;",
        "alter table a.zz enable row level security;",
        "alter table a.zz owner to current_user;",
        "comment on column a.zz.id is 'key';",
        "comment on policy p on a.zz is 'why';",
        "create index on a.zz (id);",
        "drop policy if exists p on a.zz;",
    ],
)
def test_a_file_comes_after_the_table_it_mentions(write_project: WriteProject, mention: str) -> None:
    files = {"sql/schema/a/aa.sql": mention, "sql/schema/a/zz.sql": "create table a.zz (id int primary key);"}
    assert order_of(write_project, files) == ["schema/_module", "schema/zz", "schema/aa"]


@pytest.mark.parametrize(
    "mention",
    [
        "create table a.aa (id int default a.zz());",
        "create table a.aa (id int check (a.zz() > 0));",
        "create table a.aa (id int generated always as (a.zz()) stored);",
        "create index on a.other (a.zz());",
        "create view a.aa as select a.zz();",
        "create policy p on a.other using ((select a.zz()) = 1);",
        "create trigger t before update on a.other for each row execute function a.zz();",
        "create domain a.aa as int check (a.zz() = value);",
        "grant execute on function a.zz() to public;",
        "alter function a.zz() owner to current_user;",
        "comment on function a.zz() is 'why';",
        "create function a.aa() returns int return a.zz();",
        "create aggregate a.aa (int) (sfunc = a.zz, stype = int);",
        "create function a.aa() returns int language sql as $sql$ select a.zz() $sql$;",
        "select a.zz();",
    ],
)
def test_a_file_comes_after_the_function_it_mentions(write_project: WriteProject, mention: str) -> None:
    files = {
        "sql/schema/a/aa.sql": mention,
        "sql/functions/a/zz.sql": "create function a.zz() returns int language plpgsql as $$ begin end $$;",
    }
    assert order_of(write_project, files) == ["schema/_module", "functions/zz", "schema/aa"]


@pytest.mark.parametrize(
    "kind",
    [
        "create domain a.zz as text;",
        "create type a.zz as (x int);",
        "create type a.zz as enum ('x');",
        "create type a.zz as range (subtype = int);",
        "create materialized view a.zz as select 1 as id;",
        "create view a.zz as select 1 as id;",
        "create table a.zz as select 1 as id;",
    ],
)
def test_types_and_views_are_mentioned_as_types(write_project: WriteProject, kind: str) -> None:
    files = {"sql/schema/a/aa.sql": "create table a.aa (x a.zz);", "sql/schema/a/zz.sql": kind}
    assert order_of(write_project, files) == ["schema/_module", "schema/zz", "schema/aa"]


def test_sequences_are_mentioned_as_strings(write_project: WriteProject) -> None:
    files = {
        "sql/schema/a/aa.sql": "create table a.aa (id bigint default nextval('a.zz'));",
        "sql/schema/a/zz.sql": "create sequence a.zz;",
        "sql/schema/a/ab.sql": "grant usage on sequence a.z_id_seq to public;",
        "sql/schema/a/z.sql": "create table a.z (id bigint generated always as identity);",
    }
    assert order_of(write_project, files) == ["schema/_module", "schema/z", "schema/ab", "schema/zz", "schema/aa"]


@pytest.mark.parametrize(
    "no_mention",
    [
        "create function a.aa() returns int language plpgsql as $$ begin insert into a.zz select a.zz(); end $$;",
        "create function a.aa() returns int language plpgsql as $$ declare n int := a.zz(); begin end $$;",
        "comment on schema a is 'see a.zz and a.zz()';",
        "-- a.zz\ncreate table a.aa (note text default 'a.zz');",
        "do $$ begin perform a.zz(); end $$;",
    ],
)
def test_bodies_strings_and_comments_are_no_mentions(write_project: WriteProject, no_mention: str) -> None:
    files = {
        "sql/schema/a/aa.sql": no_mention,
        "sql/schema/a/zz.sql": "create table a.zz (id int); create function a.zz() returns int return 1;",
    }
    assert order_of(write_project, files) == ["schema/_module", "schema/aa", "schema/zz"]


def test_ties_go_by_folder_then_by_name(write_project: WriteProject) -> None:
    files = {
        "sql/policies/a/a.sql": "select 1;",
        "sql/functions/a/b.sql": "select 1;",
        "sql/functions/a/a.sql": "select 1;",
        "sql/schema/a/z.sql": "select 1;",
        "sql/schema/a/b.sql": "select 1;",
    }
    assert order_of(write_project, files) == [
        "schema/_module",
        "schema/b",
        "schema/z",
        "functions/a",
        "functions/b",
        "policies/a",
    ]


def test_overloads_in_two_files_both_come_first(write_project: WriteProject) -> None:
    files = {
        "sql/schema/a/aa.sql": "create table a.aa (id int default a.zz());",
        "sql/functions/a/zz.sql": "create function a.zz() returns int return 1;",
        "sql/functions/a/zz_int.sql": "create function a.zz(int) returns int return 1;",
    }
    assert order_of(write_project, files)[-1] == "schema/aa"


def test_cycle_names_both_files_and_what_they_mention(write_project: WriteProject) -> None:
    files = {
        "sql/schema/a/pets.sql": "create table a.pets (\n    owner int references a.people (id)\n);",
        "sql/schema/a/people.sql": "create table a.people (id int, pet int references a.pets (id));",
        "sql/schema/a/unrelated.sql": "create table a.unrelated (pet int references a.pets (id));",
    }
    with pytest.raises(DbkitError) as raised:
        order_of(write_project, files)
    message, detail = raised.value.message, str(raised.value.detail)
    assert message.startswith("files need each other: ")
    assert "people.sql and " in message and message.endswith("pets.sql")
    assert "unrelated" not in message + detail
    assert "pets.sql:2:26 mentions a.people, which " in detail
    assert "people.sql:1:51 mentions a.pets, which " in detail


def test_a_longer_cycle_is_shown_whole(write_project: WriteProject) -> None:
    files = {
        f"sql/schema/a/{one}.sql": f"create table a.{one} (id int references a.{other} (id));"
        for one, other in (("x", "y"), ("y", "z"), ("z", "x"))
    }
    with pytest.raises(DbkitError) as raised:
        order_of(write_project, files)
    assert len(str(raised.value.detail).splitlines()) == 3


def test_module_file_that_mentions_a_table_is_a_cycle(write_project: WriteProject) -> None:
    config = write_project(
        {"a": []},
        {
            "sql/schema/a/_module.sql": "create schema a; grant select on a.pets to public;",
            "sql/schema/a/pets.sql": "create table a.pets ();",
        },
    )
    with pytest.raises(DbkitError, match="files need each other") as raised:
        build.build_order(config)
    assert "comes after _module.sql, as every file does" in str(raised.value.detail)


def test_undeclared_need_names_both_modules_and_the_place(write_project: WriteProject) -> None:
    modules = {
        "sql/schema/a/_module.sql": "create schema a;",
        "sql/schema/b/_module.sql": "create schema b;",
        "sql/schema/b/pets.sql": "create table b.pets (id int primary key);",
        "sql/schema/a/food.sql": "create table a.food (\n    pet int references b.pets (id)\n);",
    }
    config = write_project({"a": [], "b": []}, modules)
    for asked in (None, ["a"]):  # also when b is not part of the build
        with pytest.raises(DbkitError) as raised:
            build.build_order(config, asked)
        assert raised.value.message == "module a does not declare that it needs b"
        assert "food.sql:2:24 mentions b.pets" in str(raised.value.detail)
    declared = write_project({"a": ["b"], "b": []}, modules)
    assert [file.name for file in build.build_order(declared, ["a"])] == ["_module", "pets", "_module", "food"]


def test_two_files_that_create_one_table_are_named(write_project: WriteProject) -> None:
    files = {f"sql/schema/a/{name}.sql": "create table a.pets ();" for name in ("pets", "cats")}
    with pytest.raises(DbkitError) as raised:
        order_of(write_project, files)
    assert raised.value.message == "two files create a.pets"
    assert "cats.sql and " in str(raised.value.detail)


def test_two_files_that_replace_one_function_are_named(write_project: WriteProject) -> None:
    text = "create or replace function a.page(text, int[]) returns int return 1;"
    files = {f"sql/functions/a/{name}.sql": text for name in ("page", "pages")}
    with pytest.raises(DbkitError, match=r"two files create a\.page\(text, integer\[\]\)"):
        order_of(write_project, files)


def test_syntax_error_has_file_line_column_and_caret(write_project: WriteProject) -> None:
    with pytest.raises(DbkitError) as raised:
        order_of(write_project, {"sql/schema/a/pets.sql": "-- é\ncreate table a.pets (\n    name txet nut null\n);"})
    assert raised.value.message == 'syntax error at or near "nut"'
    lines = str(raised.value.detail).splitlines()
    assert lines[0].endswith("pets.sql:3:15: 42601")
    assert lines[2].index("^") == lines[1].index("nut")


def test_psql_command_is_refused_with_its_place(write_project: WriteProject) -> None:
    with pytest.raises(DbkitError, match="psql command in SQL") as raised:
        order_of(write_project, {"sql/schema/a/pets.sql": "select 1;\n\\i other.sql\n"})
    assert "pets.sql:2:1" in str(raised.value.detail)


def test_unqualified_names_are_public(write_project: WriteProject) -> None:
    files = {
        "sql/schema/a/aa.sql": "create table aa (id int references zz (id));",
        "sql/schema/a/zz.sql": "create table public.zz (id int primary key);",
    }
    assert order_of(write_project, files) == ["schema/_module", "schema/zz", "schema/aa"]


def test_quoted_names_keep_their_case() -> None:
    objects = read_objects(
        'create table a."Pets" (id int default a."Next"(), t oid default \'a."Toys"\'::regclass);', "f"
    )
    assert [str(name) for name in objects.creates] == ["a.Pets"]
    assert {"a.Next()", "a.Toys"} <= {str(name) for name in objects.mentions}


def test_the_shipped_tree_has_an_order(config: Config) -> None:
    files = build.build_order(config)
    assert files[0].path.name == "_module.sql"
    assert len(files) == len({file.path for file in files}) > 50
