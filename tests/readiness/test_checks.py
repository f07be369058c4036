"""Each kind of check is met by what keeps the promise, and missed by what breaks it in one place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from dbkit.errors import DbkitError
from dbkit.readiness.checks.calls import Call, Calls
from dbkit.readiness.checks.each import Each
from dbkit.readiness.checks.imported import Imported
from dbkit.readiness.checks.limiter import Limiter
from dbkit.readiness.checks.load import Load, Screen
from dbkit.readiness.stage import Stage

Broken = Callable[[str], AbstractContextManager[Stage]]
Shipped = Callable[[type], list[object]]


# Every caller asks.

OWN_UNITS = Each(
    "see nine units", "select count(*), bool_and(owner_user_id = {caller}) from rental.units", ("9", "True")
)


def test_every_caller_gets_what_it_must_get(stage: Stage) -> None:
    measured = OWN_UNITS.measure(stage)
    assert (measured.verdict, measured.value) == ("met", "2 of 2 see nine units")
    assert measured.figures == {"callers": 2, "good": 2}


def test_a_caller_that_gets_something_else_is_named(stage: Stage) -> None:
    of_the_first = replace(OWN_UNITS, sql="select count(*) - {n} + 1, true from rental.units")
    measured = of_the_first.measure(stage)
    assert (measured.verdict, measured.figures) == ("missed", {"callers": 2, "good": 1})
    assert measured.detail == "caller 2: 8, True"


def test_a_policy_that_opens_the_table_is_seen_by_all(broken: Broken) -> None:
    with broken("create policy open on rental.units for select to app_user using (true);") as stage:
        measured = OWN_UNITS.measure(stage)
    assert (measured.verdict, measured.figures["good"]) == ("missed", 0)
    assert measured.detail == "caller 1: 18, False\ncaller 2: 18, False"


def test_a_caller_that_is_refused_is_told_with_the_reason(stage: Stage) -> None:
    measured = replace(OWN_UNITS, sql="select core.raise_error('PT403', 'forbidden', 'no')").measure(stage)
    assert measured.verdict == "missed"
    assert measured.detail == "caller 1: PT403 forbidden\ncaller 2: PT403 forbidden"


# Many at the same time.

LOAD = Load(
    clients=4,
    seconds=3,
    p95_ms=60_000,
    screens=(
        Screen("units", 3, "select rental.list_units(1, 50);"),
        Screen("roles", 1, "select rental.get_user_roles({caller});"),
    ),
)


def test_screens_that_answer_in_time_meet_the_target(stage: Stage) -> None:
    measured = LOAD.measure(stage)
    assert measured.verdict == "met"
    assert set(measured.figures["p95_ms_by_screen"]) == {"units", "roles"}
    assert 0 < measured.figures["p50_ms"] <= measured.figures["p95_ms"] <= measured.figures["p99_ms"]


def test_screens_that_are_slow_miss_it_and_the_slowest_is_named(stage: Stage) -> None:
    slow = Screen("report", 1, "select pg_sleep(0.05), rental.list_units(1, 50);")
    measured = replace(LOAD, p95_ms=40, screens=(slow, LOAD.screens[0])).measure(stage)
    assert measured.verdict == "missed"
    assert str(measured.detail).startswith("Slowest is report. The machine has ")


def test_a_screen_that_fails_is_a_miss_and_no_fast_answer(stage: Stage) -> None:
    fails = Screen("foreign", 1, "select rental.authorize_unit(gen_random_uuid());")
    measured = replace(LOAD, screens=(fails,)).measure(stage)
    assert measured.verdict == "missed"
    assert "forbidden" in str(measured.detail)


def test_a_screen_that_was_never_seen_is_no_answer_either(stage: Stage) -> None:
    never = Screen("report", 1, "select pg_sleep(1);")
    with pytest.raises(DbkitError, match="no transaction of screen never ended"):
        replace(LOAD, screens=(replace(never, name="never", weight=0), LOAD.screens[0])).measure(stage)


# An import.


@pytest.fixture(scope="session")
def renters(shipped: Shipped) -> Imported:
    (check,) = shipped(Imported)
    assert isinstance(check, Imported)
    return replace(check, rows=120)


def test_an_import_in_time_with_its_emails_is_met(stage: Stage, renters: Imported) -> None:
    measured = renters.measure(stage)
    assert measured.verdict == "met"
    assert {key: measured.figures[key] for key in ("rows", "refused", "followed")} == {
        "rows": 120, "refused": 0, "followed": 120,
    }  # fmt: skip


def test_an_import_that_takes_too_long_is_missed(stage: Stage, renters: Imported) -> None:
    assert replace(renters, seconds=0.001).measure(stage).verdict == "missed"


def test_an_import_without_its_emails_is_missed(broken: Broken, renters: Imported) -> None:
    silent = """
create or replace function rental.import_row(p_kind text, p_row jsonb, p_batch_id uuid default null) returns uuid
    language sql volatile
as 'select gen_random_uuid()';
"""
    with broken(silent) as stage:
        measured = renters.measure(stage)
    assert (measured.verdict, measured.figures["rows"], measured.figures["followed"]) == ("missed", 120, 0)


def test_an_import_that_refuses_a_row_is_missed_and_says_why(stage: Stage, renters: Imported) -> None:
    measured = replace(renters, row="New,Renter,new{i}example.com,", rows=2).measure(stage)
    assert (measured.verdict, measured.figures["rows"], measured.figures["refused"]) == ("missed", 0, 2)
    assert measured.detail == "line 2: email is no valid address.\nline 3: email is no valid address."


# Functions that write.


@pytest.fixture(scope="session")
def calls(shipped: Shipped) -> Calls:
    (check,) = shipped(Calls)
    assert isinstance(check, Calls)
    return check


def test_every_function_that_writes_is_called_and_refuses(stage: Stage, calls: Calls) -> None:
    measured = calls.measure(stage)
    assert (measured.verdict, measured.detail) == ("met", None)
    assert measured.figures["good"] == measured.figures["functions"] > 20


def test_a_function_without_a_call_is_a_miss(stage: Stage, calls: Calls) -> None:
    rest = tuple(call for call in calls.calls if call.function != "update_unit")
    measured = replace(calls, calls=rest).measure(stage)
    assert measured.verdict == "missed"
    assert measured.detail == "rental.update_unit(uuid,jsonb): no call of it is declared"
    assert measured.figures["functions"] - measured.figures["good"] == 1


def test_a_call_of_a_function_that_is_gone_is_a_miss(stage: Stage, calls: Calls) -> None:
    measured = replace(calls, calls=(*calls.calls, Call("sell_unit", "select 1"))).measure(stage)
    assert (measured.verdict, measured.detail) == ("missed", "sell_unit: app_user has no such function that writes")


def test_a_call_that_does_not_serve_the_own_rows_is_no_control(stage: Stage, calls: Calls) -> None:
    vain = Call("update_unit", "select rental.update_unit(md5('nobody' || {n})::uuid, '{}')")
    rest = tuple(call for call in calls.calls if call.function != "update_unit")
    measured = replace(calls, calls=(*rest, vain)).measure(stage)
    assert (measured.verdict, measured.detail) == ("missed", "update_unit: refused at the own rows: forbidden")


# A definer's function that looks at nobody's rights, as hurried hands write it.
UNGUARDED = """
create or replace function rental.delete_unit(p_unit_id uuid) returns void
    language sql security definer
    set search_path = pg_catalog, pg_temp
as 'delete from rental.units where id = p_unit_id';
alter function rental.delete_unit(uuid) owner to app_definer;
"""


def test_a_function_that_writes_anothers_row_is_caught(broken: Broken, calls: Calls) -> None:
    with broken(UNGUARDED) as stage:
        measured = calls.measure(stage)
    assert (measured.verdict, measured.detail) == ("missed", "delete_unit: changed another's rows in rental.units")


def test_a_function_that_says_nothing_at_anothers_row_is_caught(broken: Broken, calls: Calls) -> None:
    with broken(UNGUARDED.replace("security definer", "security invoker").split("alter function")[0]) as stage:
        measured = calls.measure(stage)
    assert measured.verdict == "missed"
    assert str(measured.detail).startswith("delete_unit: expected PT403 at another's rows, got")


def test_a_function_that_harms_others_without_naming_them_is_caught(broken: Broken, calls: Calls) -> None:
    reckless = UNGUARDED.replace("where id = p_unit_id", "where name is not null")
    rest = tuple(call for call in calls.calls if call.function != "delete_unit")
    with broken(f"delete from rental.tenancies; {reckless}") as stage:
        measured = replace(calls, calls=(Call("delete_unit", "select rental.delete_unit(null)"), *rest)).measure(stage)
    assert measured.verdict == "missed"
    first = str(measured.detail).splitlines()[0]
    assert first.startswith("delete_unit: at the own rows it changed another's in rental.")
    assert "rental.units" in first


# A limit that servers share.


@pytest.fixture(scope="session")
def limiter(shipped: Shipped) -> Limiter:
    (check,) = shipped(Limiter)
    assert isinstance(check, Limiter)
    return check


def test_servers_share_a_limit_and_a_restart_resets_nothing(stage: Stage, limiter: Limiter) -> None:
    measured = limiter.measure(stage)
    assert measured.verdict == "met"
    assert sum(measured.figures["allowed_by_server"]) == 60
    assert measured.figures["allowed_after_restart"] == 0


def test_a_policy_that_allows_more_is_a_miss(broken: Broken, limiter: Limiter) -> None:
    with broken("update core.rate_limit_policies set max_requests = 61 where name = 'landlord_api';") as stage:
        measured = limiter.measure(stage)
    assert (measured.verdict, sum(measured.figures["allowed_by_server"])) == ("missed", 61)


def test_a_limit_that_each_connection_has_alone_is_a_miss(broken: Broken, limiter: Limiter) -> None:
    alone = """
create or replace function core.rate_limit_key(p_policy text, p_key text) returns text
    language sql volatile
as 'select ''user:'' || pg_backend_pid()';
"""
    with broken(alone) as stage:
        measured = limiter.measure(stage)
    assert measured.verdict == "missed"
    assert sum(measured.figures["allowed_by_server"]) == 200
    assert measured.figures["allowed_after_restart"] == 10


def test_a_limiter_that_cannot_be_asked_is_no_limiter(broken: Broken, limiter: Limiter) -> None:
    with (
        broken("revoke execute on function core.rate_limit(text, text, boolean) from app_user;") as stage,
        pytest.raises(DbkitError, match="could not ask") as failed,
    ):
        limiter.measure(stage)
    assert "permission denied for function rate_limit" in str(failed.value.detail)


def test_a_policy_that_there_is_not_cannot_be_measured(stage: Stage, limiter: Limiter) -> None:
    with pytest.raises(DbkitError, match="no such policy: nobodys"):
        replace(limiter, policy="nobodys").measure(stage)
