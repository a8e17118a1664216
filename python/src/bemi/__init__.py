# SPDX-License-Identifier: LGPL-3.0-or-later
"""Passes an application's context to Bemi through PostgreSQL's Write-Ahead Log.

Importing this package listens to every SQLAlchemy engine of PostgreSQL in this process: see
:func:`install` for options and :func:`uninstall` to leave an engine alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._context import Bemi, clear_context, context, current_context, merge_context, set_context
from ._engine import install, install_everywhere, uninstall
from ._failures import failures
from ._finalizers import watch_collections
from .asgi import BemiFastAPIMiddleware

if TYPE_CHECKING:
    from .history import Change, Changes, changes_of
    from .past import PastIsReadOnly, as_of, as_of_async
    from .revert import RevertError, plan_revert
    from .threads import ContextThreadPoolExecutor, bind_context

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


# Imported when first used: a process that only writes need not pay for these.
_LATER = {
    "Change": "history",
    "Changes": "history",
    "ContextThreadPoolExecutor": "threads",
    "PastIsReadOnly": "past",
    "RevertError": "revert",
    "as_of": "past",
    "as_of_async": "past",
    "bind_context": "threads",
    "changes_of": "history",
    "plan_revert": "revert",
}


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


watch_collections()
install_everywhere()
