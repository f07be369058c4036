"""A screen is one statement, however many rows it shows: what pg_stat_statements counted says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

LANDLORD = "11111111-1111-4111-8111-111111111111"
ROWS = 60
DATA = f"""
insert into core.users (id, email, name) values ('{LANDLORD}', 'landlord@example.test', 'L');
insert into core.tenants (id, system, name, owner_user_id) values ('{LANDLORD}', 'rental', 'L', '{LANDLORD}');
insert into core.memberships (tenant_id, user_id, role_key) values ('{LANDLORD}', '{LANDLORD}', 'OWNER');
insert into rental.user_profiles (user_id, role) values ('{LANDLORD}', 'OWNER');
insert into rental.units (owner_user_id, name, address1, city, state, postal_code)
select '{LANDLORD}', 'Unit ' || n, 'x', 'x', 'x', 'x' from generate_series(1, {ROWS}) as n;
insert into rental.tenants (owner_user_id, first_name, last_name, email, user_id)
select '{LANDLORD}', 'A', 'B', format('r%s@example.test', n), case when n = 1 then '{LANDLORD}'::uuid end
  from generate_series(1, {ROWS}) as n;
insert into rental.tickets (owner_user_id, tenant_id, title)
select '{LANDLORD}', t.id, 'Leak' from rental.tenants as t, generate_series(1, 60) where t.user_id is not null;
insert into rental.contractors (owner_user_id, name) select '{LANDLORD}', 'C' from generate_series(1, {ROWS}) as n;
"""
# A list that asks again for each of its rows, as one writes it without thinking.
ASKS_AGAIN = """
create function rental.list_units_slowly() returns jsonb language plpgsql as $fn$
declare
    v_unit   rental.units;
    v_result jsonb := '[]';
begin
    for v_unit in select u.* from rental.units as u limit 50 loop
        v_result := v_result || jsonb_build_object('id', v_unit.id, 'tickets',
            (select count(*) from rental.tickets as t where t.unit_id = v_unit.id));
    end loop;
    return v_result;
end
$fn$;
"""
# Nested statements, and how often each was executed.
COUNTED = """
select s.query, s.calls
  from extensions.pg_stat_statements as s
 where s.query ~ 'rental\\.(units|tenants|tickets|contractors|user_profiles)\\M'
   and not s.toplevel
"""
# Screen -> its role and how many statements read rental's tables: one, and for renters what their policy asks once.
SCREENS = {
    "rental.list_units()": ("app_user", 1),
    "rental.list_tenants()": ("app_user", 1),
    "rental.list_tickets()": ("app_user", 1),
    "rental.list_contractors()": ("app_user", 1),
    "rental.get_user_roles()": ("app_user", 1),
    "rental.portal_tickets()": ("app_renter", 2),
}


@pytest.fixture
def screens(watched: str) -> Iterator[psycopg.Connection[Any]]:
    """A landlord with more rows than a page shows, in a transaction that is undone."""
    with psycopg.connect(watched) as connection:
        connection.execute(DATA.encode())
        connection.execute(ASKS_AGAIN.encode())
        yield connection
        connection.rollback()


def executed(connection: psycopg.Connection[Any], call: str, role: str) -> list[tuple[str, int]]:
    """The nested statements of one call."""
    context = f"select core.set_context('{LANDLORD}'{'' if role == 'app_renter' else f', {LANDLORD!r}'})"
    connection.execute(f"set local role {role}".encode())
    connection.execute(context.encode())
    connection.execute("reset role")
    connection.execute("set local pg_stat_statements.track = 'all'")
    connection.execute("select extensions.pg_stat_statements_reset()")
    connection.execute(f"set local role {role}".encode())
    shown = connection.execute(f"select {call}".encode()).fetchall()
    assert shown
    connection.execute("reset role")
    return connection.execute(COUNTED.encode()).fetchall()


@pytest.mark.parametrize("call", SCREENS)
def test_a_screen_is_one_statement(screens: psycopg.Connection[Any], call: str) -> None:
    role, statements = SCREENS[call]
    found = executed(screens, call, role)
    assert [calls for _text, calls in found] == [1] * statements, found


def test_a_screen_that_asks_again_for_each_row_would_be_seen(screens: psycopg.Connection[Any]) -> None:
    screens.execute("grant execute on function rental.list_units_slowly() to app_user")
    assert max(calls for _text, calls in executed(screens, "rental.list_units_slowly()", "app_user")) == 50
