# SPDX-License-Identifier: LGPL-3.0-or-later
"""Undoes changes, and keeps named states, by the program ``bemi``.

>>> plan = bemi.plan_revert(context={"request_id": "4711"}, source=url)
>>> print(plan.rows, plan.conflicts)
>>> if plan.applicable:
...     plan.apply()

The program is found by ``BEMI_BINARY`` or on the PATH; where the ends are it is told by ``source`` and
``destination`` or by the environment (``BEMI_SOURCE_URL``, ``BEMI_DESTINATION_URL``, ``BEMI_REVERT_URL``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class RevertError(Exception):
    """What the program says is wrong; nothing was undone."""


@dataclass(frozen=True)
class Plan:
    """What undoing would do, found by trying it a moment ago."""

    json: Mapping[str, Any]
    _flags: tuple[str, ...]
    _ends: Mapping[str, str]

    @property
    def digest(self) -> str:
        return str(self.json["digest"])

    @property
    def applicable(self) -> bool:
        """Whether nothing stands in the way."""
        return bool(self.json["applicable"])

    @property
    def tables(self) -> list[dict[str, Any]]:
        return list(self.json["tables"])

    @property
    def conflicts(self) -> list[dict[str, Any]]:
        """The first hundred, each with both sides and who made the later change."""
        return list(self.json["conflicts"])

    @property
    def rows(self) -> int:
        """How many rows would be written."""
        return sum(t["inserts"] + t["updates"] + t["deletes"] for t in self.tables)

    def apply(self) -> int | None:
        """Does it, in one transaction, and tells its id; None when there was nothing to do.

        :raises RevertError: a conflict, or the plan would be another one by now.
        """
        done = json.loads(
            _run(["revert", *self._flags, "--apply", self.digest, "--format", "json"], self._ends)
        )
        return int(done["transaction_id"]) or None

    def sql(self) -> str:
        """The script that does it, and checks every row before."""
        return _run(["revert", *self._flags, "--sql", "-"], self._ends)


def plan_revert(
    *,
    context: Mapping[str, Any] | None = None,
    transaction: int | None = None,
    table: str | None = None,
    primary_key: str | None = None,
    operation: str | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    trace: str | None = None,
    changes: Iterable[Any] = (),
    on_conflict: str = "fail",
    cascade: bool = False,
    max_rows: int = 10_000,
    actor: str | None = None,
    reason: str | None = None,
    source: str | None = None,
    destination: str | None = None,
) -> Plan:
    """What undoing the changes that all of these select would do. At least one is needed.

    :param changes: single ones, by their ids or as :class:`bemi.Change`.
    :raises RevertError: the program says what is wrong.
    """
    flags = [f"--context={key}={_text(value)}" for key, value in (context or {}).items()]
    single = {
        "transaction": transaction,
        "table": table,
        "primary-key": primary_key,
        "operation": operation,
        "since": since,
        "until": until,
        "trace": trace,
        "actor": actor,
        "reason": reason,
        "max-rows": max_rows,
        "on-conflict": on_conflict,
    }
    flags += [f"--{name}={_text(value)}" for name, value in single.items() if value is not None]
    flags += [f"--change={getattr(change, 'id', change)}" for change in changes]
    if cascade:
        flags.append("--cascade")
    ends = _ends(source, destination)
    said = _run(["revert", *flags, "--format", "json"], ends)
    return Plan(json.loads(said), tuple(flags), ends)


def create_mark(name: str, *, source: str | None = None, destination: str | None = None) -> None:
    """Gives the state of now a name."""
    _run(["mark", "create", name], _ends(source, destination))


def roll_back_to_mark(name: str, *, source: str | None = None, destination: str | None = None) -> None:
    """Goes back to it: the tracked tables and all sequences."""
    _run(["mark", "rollback", name, "--force"], _ends(source, destination))


def delete_mark(name: str, *, source: str | None = None, destination: str | None = None) -> None:
    _run(["mark", "delete", name, "--force"], _ends(source, destination))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value)


def _ends(source: str | None, destination: str | None) -> dict[str, str]:
    given = {"BEMI_SOURCE_URL": source, "BEMI_DESTINATION_URL": destination}
    return {name: _libpq(url) for name, url in given.items() if url is not None}


def _libpq(url: str) -> str:
    """SQLAlchemy's URLs name a driver."""
    scheme, separator, rest = url.partition("://")
    return scheme.partition("+")[0] + separator + rest


def _run(command: list[str], ends: Mapping[str, str]) -> str:
    program = os.environ.get("BEMI_BINARY") or shutil.which("bemi")
    if program is None:
        raise RevertError("there is no program bemi: put it on the PATH, or name it in BEMI_BINARY")
    done = subprocess.run(
        [program, *command], env={**os.environ, **ends}, capture_output=True, text=True, check=False
    )
    # A plan with conflicts is a plan; so is what was applied but for rows left out.
    if done.returncode != 0 and not (done.returncode == 1 and done.stdout.startswith("{")):
        raise RevertError(done.stderr.strip().removeprefix("bemi: "))
    return done.stdout


__all__ = ["Plan", "RevertError", "create_mark", "delete_mark", "plan_revert", "roll_back_to_mark"]
