# SPDX-License-Identifier: LGPL-3.0-or-later
"""Signs messages with a key that the application shares with Bemi's worker.

Every role that may log in can write a message into the WAL. With a key, the history tells which ones the
application wrote (contracts/context-message.schema.json).
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import os
import re
import time

from ._failures import note_failure

VARIABLE = "BEMI_CONTEXT_KEY"
SECRET_BYTES_MIN = 32
_PURPOSE = b"bemi/context/1\0"
_NAME = r"[A-Za-z0-9._+/=-]{1,64}"


class Signer:
    """One key, for the messages of one database."""

    __slots__ = ("_after_scope", "_begun")

    def __init__(self, key_id: str, secret: bytes, database: str) -> None:
        import hmac  # who signs nothing need not pay for it

        # A copy of this costs less than to begin with the key each time.
        self._begun = hmac.new(secret, _PURPOSE, "sha256")
        # The server gets a percent sign as the escape of it: see Message.
        audience = json.dumps(database).replace("%", "\\u0025")
        self._after_scope = f'","kid":"{key_id}","aud":{audience},"s":"'

    def head(self, members: str, scope: str, session: str, number: int) -> str:
        """The message up to its signature: all that is signed."""
        members = members.replace("%", "\\u0025")
        comma = "," if members else ""
        return (
            f'{{{members}{comma}"_bemi":{{"v":1,"scope":"{scope}{self._after_scope}{session}"'
            f',"n":{number},"t":{time.time_ns() // 1000}'
        )

    def signed(self, head: str) -> str:
        mac = self._begun.copy()
        mac.update(head.encode())
        return f'{head},"mac":"{binascii.b2a_base64(mac.digest(), newline=False).decode()}"}}}}'


class Signing:
    """One connection's messages, by whose numbers the worker notices one that somebody else says again."""

    __slots__ = ("_number", "_session", "signer")

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self._session = base64.b64encode(os.urandom(12)).decode()
        self._number = 0

    def signed(self, members: str, scope: str) -> str:
        """A message of these members of a JSON object, without its braces."""
        self._number += 1
        return self.signer.signed(self.signer.head(members, scope, self._session, self._number))


def parse_key(text: str) -> tuple[str, bytes]:
    """Id and secret of ``ID:SECRET``. Of several, as the worker takes them, the first; its span is passed over.

    :raises ValueError: it is none. The error does not repeat the secret.
    """
    first = text.split(",")[0].strip()
    key_id, colon, rest = first.partition(":")
    if not colon or not re.fullmatch(_NAME, key_id):
        raise ValueError("a context key is ID:SECRET, the id of letters, digits and . _ - + / =")
    try:
        secret = base64.b64decode(rest.partition(":")[0], validate=True)
    except binascii.Error:
        raise ValueError(f"the secret of the context key {key_id} is no base64") from None
    if len(secret) < SECRET_BYTES_MIN:
        raise ValueError(f"the secret of the context key {key_id} has fewer than {SECRET_BYTES_MIN} bytes")
    return key_id, secret


def usable_key(text: str | None, where: str) -> str | None:
    """None, which is noted if there is something else than a key: settings must not end an application."""
    if not text:
        return None
    try:
        parse_key(text)
    except ValueError as error:
        note_failure(f"{where} is not used", error)
        return None
    return text


@functools.cache
def key_of_environment() -> str | None:
    return usable_key(os.environ.get(VARIABLE), VARIABLE)
