# SPDX-License-Identifier: LGPL-3.0-or-later
"""Alembic's autogenerate leaves Bemi's tables out: they are in the database, and in nobody's models.

Otherwise the next revision of an application whose history lies in its own database drops the history.
Alembic loads this by the package's entry point; older ones are told when the first engine connects.
"""

from __future__ import annotations

import sys
from typing import Any

_OWN_SCHEMAS = frozenset({"_bemi", "_bemi_setup", "_bemi_source"})
# Together in no other table; a table `changes` of the application's own stays the application's.
_OWN_COLUMNS = frozenset({"commit_position", "sequence", "effective_at", "queued_at", "exact", "fidelity"})

_is_told = False


def setup(plugin: Any) -> None:
    """Called by Alembic 1.18 and newer."""
    from alembic.util import DispatchPriority

    plugin.add_autogenerate_comparator(_leave_out, "autogenerate", priority=DispatchPriority.LAST)


def tell_alembic() -> None:
    """Where Alembic is in use, and did not load the plugin. Idempotent."""
    global _is_told
    if _is_told or "alembic.autogenerate" not in sys.modules:
        return
    _is_told = True
    from alembic.autogenerate import comparators

    try:
        from alembic.util import DispatchPriority
    except ImportError:  # before 1.18
        comparators.dispatch_for("schema")(_leave_out)
    else:
        comparators.dispatch_for("autogenerate", priority=DispatchPriority.LAST)(_leave_out)


def _leave_out(context: Any, upgrade: Any, _schemas: Any = None) -> Any:
    """Takes what would change Bemi's tables out of the operations that were found."""
    from alembic import util
    from alembic.operations.ops import DropTableOp

    dropped = [operation for operation in upgrade.ops if isinstance(operation, DropTableOp)]
    own = {(op.schema, op.table_name) for op in dropped if _is_own(op.schema, op.to_table())}
    metadata = context.metadata
    for one in metadata if isinstance(metadata, (list, tuple)) else [metadata]:
        own.update(
            (table.schema, table.name) for table in one.tables.values() if _is_own(table.schema, table)
        )
    upgrade.ops[:] = [op for op in upgrade.ops if not _is_of(op, own)]
    result = getattr(util, "PriorityDispatchResult", None)
    return None if result is None else result.CONTINUE


def _is_own(schema: str | None, table: Any) -> bool:
    return schema in _OWN_SCHEMAS or set(table.columns.keys()) >= _OWN_COLUMNS


def _is_of(operation: Any, tables: set[tuple[str | None, str]]) -> bool:
    name = getattr(operation, "table_name", None)
    return (getattr(operation, "schema", None), name) in tables
