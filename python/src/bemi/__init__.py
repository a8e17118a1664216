# SPDX-License-Identifier: LGPL-3.0-or-later
"""Passes an application's context to Bemi through PostgreSQL's Write-Ahead Log.

Importing this package listens to every SQLAlchemy engine of PostgreSQL in this process: see
:func:`install` for options and :func:`uninstall` to leave an engine alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._context import Bemi, clear_context, context, current_context, merge_context, set_context
from ._engine import install, install_everywhere, uninstall
from ._failures import failures
from ._finalizers import watch_collections
from .asgi import BemiFastAPIMiddleware
from .revert import RevertError, plan_revert
from .threads import ContextThreadPoolExecutor, bind_context

if TYPE_CHECKING:
    from .history import Change, Changes, changes_of
    from .past import PastIsReadOnly, as_of, as_of_async

__all__ = [
    "Bemi",
    "BemiFastAPIMiddleware",
    "Change",
    "Changes",
    "ContextThreadPoolExecutor",
    "PastIsReadOnly",
    "RevertError",
    "as_of",
    "as_of_async",
    "bind_context",
    "changes_of",
    "clear_context",
    "context",
    "current_context",
    "failures",
    "install",
    "merge_context",
    "plan_revert",
    "set_context",
    "uninstall",
]


def __getattr__(name: str) -> Any:
    # The side that reads the history maps a table: who only writes need not pay for it.
    if name in ("Change", "Changes", "changes_of"):
        from . import history

        return getattr(history, name)
    if name in ("PastIsReadOnly", "as_of", "as_of_async"):
        from . import past

        return getattr(past, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


watch_collections()
install_everywhere()
