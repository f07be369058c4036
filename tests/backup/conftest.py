"""A database that was migrated and has rows in several tables, and a login to save it with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from production import PEOPLE, Production

from dbkit.config import Config
from dbkit.postgres import Server, Template


@pytest.fixture(scope="session")
def migrated(config: Config, server: Server) -> Template:
    """Everything as the migrations build it, so that there is a ledger."""
    from dbkit.recipe import project_recipe

    return server.template(project_recipe(config, via="migrations", seeds="production"))


@pytest.fixture
def production(server: Server, migrated: Template) -> Iterator[Production]:
    with migrated.clone() as database:
        found = Production(
            database.conninfo,
            server.conninfo(database.name, user="dbkit_backup"),
            server.conninfo(database.name, user="dbkit_migrator"),
        )
        found.run(
            "insert into core.users (id, email, name) select md5(n::text)::uuid, 'p' || n || '@example.test', 'p'"
            f" from generate_series(1, {PEOPLE}) as n",
            "insert into core.tenants (id, system, name, owner_user_id)"
            " select u.id, 'crm', 't', u.id from core.users as u",
            "select core.run_cron('cache-purge')",  # a schedule that nobody runs is a finding of its own
        )
        yield found
