# SPDX-License-Identifier: LGPL-3.0-or-later
"""Prepares tables for tracking inside an Alembic migration, where that is the place for DDL.

Not needed for Bemi to work: the worker prepares what it may by itself. It is for teams whose database
only changes by migrations, and whose worker's role may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from collections.abc import Iterable

# Tables that have a key and are not Bemi's, in the schemas that an application uses.
_APPLICATION_TABLES = """
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_bemi', '_bemi_setup', '_bemi_source', 'bemi')
  AND n.nspname NOT LIKE 'pg\\_%' AND NOT (n.nspname = current_schema() AND c.relname IN ('changes', 'alembic_version'))
"""
_NAMED_TABLE = "SELECT to_regclass(:name)::oid"
_QUOTED = "SELECT format('%I.%I', n.nspname, c.relname), c.relreplident::text, c.relkind::text "
_QUOTED += "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = :oid"


def upgrade(*tables: str, publication: str | None = None) -> None:
    """Sets REPLICA IDENTITY FULL, so that ``before`` holds the whole row of updates and deletes.

    :param tables: as SQL names them; without any, all of the application's tables.
    :param publication: made when it is missing; the tables are added to it.
    :raises LookupError: a named table does not exist.

    >>> def upgrade() -> None:
    ...     Bemi.migration_upgrade()
    """
    connection = _connection()
    names = [_identify(connection, oid, "FULL") for oid in _oids(connection, tables, strict=True)]
    if publication is not None:
        _publish(connection, publication, names)


def downgrade(*tables: str, publication: str | None = None) -> None:
    """Takes back what :func:`upgrade` did; what is missing by now is passed over."""
    connection = _connection()
    if publication is not None:
        connection.execute(text(f"DROP PUBLICATION IF EXISTS {_quote(connection, publication)}"))
    for oid in _oids(connection, tables, strict=False):
        _identify(connection, oid, "DEFAULT", only_from="f")


def _connection() -> Connection:
    from alembic import op  # only ever imported here: the package does without it

    connection: Connection = op.get_bind()
    return connection


def _oids(connection: Connection, tables: tuple[str, ...], strict: bool) -> Iterable[int]:
    if not tables:
        return list(connection.scalars(text(_APPLICATION_TABLES)))
    found = {name: connection.scalar(text(_NAMED_TABLE), {"name": name}) for name in tables}
    missing = [name for name, oid in found.items() if oid is None]
    if missing and strict:
        raise LookupError(f"there is no table {', '.join(missing)}: is this call after its creation?")
    return [oid for oid in found.values() if oid is not None]


def _identify(connection: Connection, oid: int, identity: str, only_from: str | None = None) -> str:
    name, present, kind = connection.execute(text(_QUOTED), {"oid": oid}).one()
    wanted = "f" if identity == "FULL" else "d"
    if kind == "r" and present != wanted and only_from in (None, present):
        connection.execute(text(f"ALTER TABLE {name} REPLICA IDENTITY {identity}"))
    return str(name)


def _publish(connection: Connection, publication: str, names: list[str]) -> None:
    quoted = _quote(connection, publication)
    exists = text("SELECT 1 FROM pg_publication WHERE pubname = :name")
    if connection.scalar(exists, {"name": publication}) is None:
        connection.execute(text(f"CREATE PUBLICATION {quoted}"))
    members = text(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_publication_tables WHERE pubname = :name"
    )
    present: set[Any] = set(connection.scalars(members, {"name": publication}))
    added = [name for name in names if name not in present]
    if added:
        connection.execute(text(f"ALTER PUBLICATION {quoted} ADD TABLE {', '.join(added)}"))


def _quote(connection: Connection, name: str) -> str:
    return str(connection.dialect.identifier_preparer.quote_identifier(name))
