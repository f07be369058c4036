"""Stages of small claims: the landlords' checks on two landlords, whole or broken in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from dbkit.config import Config
from dbkit.readiness.checks import Check
from dbkit.readiness.declaration import Claim, load_claim
from dbkit.readiness.stage import Stage, open_stage

# The ids are those of landlord.sql, as the calls of landlord.toml name them.
SMALL = """
insert into core.users (id, email, name)
select md5('landlord' || n)::uuid, 'landlord' || n || '@example.com', 'L' from generate_series(1, 2) as n;
insert into core.tenants (id, system, name, owner_user_id) select id, 'rental', name, id from core.users;
insert into core.memberships (tenant_id, user_id, role_key) select id, id, 'OWNER' from core.users;
insert into rental.user_profiles (user_id, role, onboarding_step, onboarding_completed)
select id, 'OWNER', 'done', true from core.users;
insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)
select md5('landlord' || n)::uuid, md5('unit' || n || '-' || u)::uuid, 'Unit', 'x', 'x', 'x', 'x'
  from generate_series(1, 2) as n, generate_series(1, 9) as u;
insert into rental.tenants (owner_user_id, id, first_name, last_name, email)
select md5('landlord' || n)::uuid, md5('renter' || n || '-' || r)::uuid, 'A', 'B', format('r%s-%s@example.com', n, r)
  from generate_series(1, 2) as n, generate_series(1, 3) as r;
insert into rental.tickets (owner_user_id, id, title)
select md5('landlord' || n)::uuid, md5('ticket' || n || '-1')::uuid, 'Leak' from generate_series(1, 2) as n;
insert into rental.tenancies (owner_user_id, id, unit_id, tenant_id, start_date)
select md5('landlord' || n)::uuid, md5('tenancy' || n)::uuid, md5('unit' || n || '-1')::uuid,
       md5('renter' || n || '-1')::uuid, current_date - 30
  from generate_series(1, 2) as n;
insert into rental.tenant_invites (owner_user_id, id, tenant_id, email, token_hash)
select md5('landlord' || n)::uuid, md5('invite' || n)::uuid, md5('renter' || n || '-2')::uuid,
       'landlord' || n || '@example.com', encode(sha256(convert_to('token' || n, 'UTF8')), 'hex')
  from generate_series(1, 2) as n;
"""


@pytest.fixture(scope="session")
def landlord(config: Config) -> Claim:
    """The claim that ships."""
    return load_claim(config, "landlord")


@pytest.fixture(scope="session")
def small(landlord: Claim) -> Claim:
    """The same of two landlords."""
    return replace(landlord, data=SMALL, callers=2)


@pytest.fixture(scope="session")
def stage(config: Config, small: Claim) -> Iterator[Stage]:
    with open_stage(config, small) as opened:
        yield opened


@pytest.fixture
def broken(config: Config, small: Claim) -> Callable[[str], AbstractContextManager[Stage]]:
    """A stage on which some SQL has broken something."""

    @contextmanager
    def opened(sql: str) -> Iterator[Stage]:
        with open_stage(config, replace(small, data=SMALL + sql)) as stage:
            yield stage

    return opened


@pytest.fixture(scope="session")
def shipped(landlord: Claim) -> Callable[[type], list[Check]]:
    """The checks of a kind, as the landlords' claim declares them."""
    return lambda kind: [check for each in landlord.criteria for check in each.checks if isinstance(check, kind)]
