"""An application that signs its contexts, by contracts/context-message.schema.json and Python's library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg

EMIT = "select pg_logical_emit_message(true, '_bemi', %s::text)"


def new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Signer:
    database: str
    key: str = "web"
    secret: str = field(default_factory=new_secret)
    session: str = field(default_factory=lambda: secrets.token_hex(8))
    number: int = 0

    @property
    def setting(self) -> str:
        """As the worker takes it."""
        return f"{self.key}:{self.secret}"

    def message(self, context: dict[str, Any], **own: Any) -> str:
        self.number += 1
        reserved = {
            "v": 1,
            "scope": "next",
            "kid": self.key,
            "aud": self.database,
            "s": self.session,
            "n": self.number,
            "t": time.time_ns() // 1000,
            **own,
        }
        head = json.dumps({**context, "_bemi": reserved}, separators=(",", ":"), ensure_ascii=False)[:-2]
        secret = base64.b64decode(self.secret)
        mac = hmac.digest(secret, b"bemi/context/1\0" + head.encode(), hashlib.sha256)
        return f'{head},"mac":"{base64.b64encode(mac).decode()}"}}}}'


def write(
    connection: psycopg.Connection[tuple[Any, ...]], message: str, statement: str, *params: object
) -> None:
    """A transaction of an application: what it says, then what it does."""
    with connection.transaction():
        connection.execute(EMIT, [message])
        connection.execute(statement.encode(), params)
