# SPDX-License-Identifier: LGPL-3.0-or-later
"""Passes an application's context to Bemi through PostgreSQL's Write-Ahead Log.

Importing this package listens to every SQLAlchemy engine that speaks PostgreSQL through psycopg 3.
"""

from ._context import Bemi
from ._engine import install_everywhere
from ._failures import failures
from .asgi import BemiFastAPIMiddleware

__all__ = ["Bemi", "BemiFastAPIMiddleware", "failures"]

install_everywhere()
