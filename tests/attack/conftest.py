"""`new_role("app")` makes a role with LOGIN and nothing else; it goes with its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from e2e.conftest import dashboard, open_dashboard, story  # noqa: F401 - fixtures

from attack.roles import Role
from support.fixtures import Database

NewRole = Callable[[str], Role]


@pytest.fixture
def new_role(database: Database) -> Iterator[NewRole]:
    made: list[Role] = []

    def new(name: str) -> Role:
        role = Role(database, f"{name}_{database.name}")
        database.sql(f'create role "{role.name}" login')
        made.append(role)
        return role

    yield new
    for role in made:
        database.sql(f'drop owned by "{role.name}" cascade')
        database.sql(f'drop role "{role.name}"')
