"""Inside a real Alembic migration: what upgrade prepares, downgrade takes back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations
from conftest import Tracked
from sqlalchemy import MetaData, create_engine
from support.fixtures import Database

from bemi import Bemi, Change

TABLES = """
create table a (id int primary key); create table "B b" (id int primary key);
create schema other; create table other.c (id int);
create table parted (id int primary key) partition by range (id);
create table part partition of parted for values from (0) to (9);
create unlogged table u (id int); create table alembic_version (version_num text);
"""


def migrate(database: Database, migration: Callable[[], None]) -> None:
    engine = create_engine(database.url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        migration()
    engine.dispose()


def identities(database: Database) -> dict[str, str]:
    return dict(
        database.sql(
            "select relname::text, relreplident::text from pg_class where relkind in ('r', 'p')"
            " and relnamespace::regnamespace::text in ('public', 'other') order by relname collate \"C\""
        )
    )


def published(database: Database) -> list[Any]:
    return [t for (t,) in database.sql("select tablename::text from pg_publication_tables order by 1")]


def test_all_tables(database: Database) -> None:
    database.sql(TABLES)
    before = identities(database)
    migrate(database, Bemi.migration_upgrade)
    full = {
        "a": "f",
        "B b": "f",
        "c": "f",
        "part": "f",
        "parted": "d",
        "u": "d",
        "alembic_version": "d",
    }
    assert identities(database) == full
    migrate(database, Bemi.migration_upgrade)
    assert identities(database) == full
    migrate(database, Bemi.migration_downgrade)
    migrate(database, Bemi.migration_downgrade)
    assert identities(database) == before


def test_named_tables_and_a_publication(database: Database) -> None:
    database.sql(TABLES)
    name = 'My "pub"'
    migrate(database, lambda: Bemi.migration_upgrade("a", '"B b"', publication=name))
    migrate(database, lambda: Bemi.migration_upgrade("a", "other.c", publication=name))
    assert [t for t, identity in identities(database).items() if identity == "f"] == [
        "B b",
        "a",
        "c",
    ]
    assert sorted(published(database)) == ["B b", "a", "c"]
    database.sql("drop table a")
    migrate(database, lambda: Bemi.migration_downgrade("a", '"B b"', publication=name))
    assert [t for t, identity in identities(database).items() if identity == "f"] == ["c"]
    assert published(database) == []


def test_a_table_that_is_not_there(database: Database) -> None:
    with pytest.raises(LookupError, match="nowhere"):
        migrate(database, lambda: Bemi.migration_upgrade("nowhere"))
    migrate(database, lambda: Bemi.migration_downgrade("nowhere", publication="nothing"))


@pytest.mark.parametrize("options", [{}, {"include_schemas": True}], ids=["one schema", "all schemas"])
def test_autogenerate_leaves_the_history_alone(newest: Tracked, options: dict[str, Any]) -> None:
    newest.sql("insert into item values (1, 'a')")
    assert len(newest.changes()) == 1
    newest.sql("create schema shop; create table shop.changes (id int primary key, before jsonb)")
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        for models in (MetaData(), Change.metadata):
            with engine.connect() as connection:
                context = MigrationContext.configure(connection, opts=options)
                script = produce_migrations(context, models)
            assert script.upgrade_ops is not None
            found = {(op.schema, op.table_name) for op in script.upgrade_ops.ops}  # type: ignore[attr-defined]
            # A table of the same name, of the application's own, is the application's.
            assert found >= {(None, "item"), *([("shop", "changes")] if options else [])}
            assert not {(schema, name) for schema, name in found if (schema or "").startswith("_bemi")}
            assert (None, "changes") not in found
    finally:
        engine.dispose()
        newest.sql("drop schema shop cascade")


def test_the_core_imports_no_framework(newest: Tracked) -> None:
    code = (
        "import sys, bemi, sqlalchemy\n"
        "sqlalchemy.create_engine(sys.argv[1]).connect().close()\n"
        "wanted = ['alembic', 'starlette', 'flask', 'django', 'celery', 'opentelemetry', 'asyncpg',"
        " 'psycopg2', 'pytest', 'bemi.history']\n"
        "print([name for name in wanted if name in sys.modules])"
    )
    url = newest.url.replace("postgresql:", "postgresql+psycopg:")
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
