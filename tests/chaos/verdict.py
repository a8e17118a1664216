"""What is lost, doubled or wrong in a history, against what the source said of itself."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg

from chaos.workload import TABLES, Outcome, Snapshot

KEYLESS = {"line"}
SNAPSHOTS_MAX = 30
SELECT = """
select "table", operation, primary_key, before::text, after::text, transaction_id, context ->> 'writer',
       context ->> 'number', id
from changes order by epoch, commit_position, sequence"""


@dataclass
class Verdict:
    transactions: int = 0
    changes: int = 0
    snapshots: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def __str__(self) -> str:
        counts = f"lost {len(self.lost)}, doubled {len(self.doubled)}, wrong {len(self.wrong)}"
        found = [*self.lost[:5], *self.doubled[:5], *self.wrong[:5]]
        return "\n  ".join([counts, *found])


Change = tuple[str, str, str | None, str, str, int, str | None, str | None, Any]


def judge(url: str, outcome: Outcome, snapshots: list[Snapshot]) -> Verdict:
    with psycopg.connect(url) as connection:
        changes: list[Change] = connection.execute(SELECT).fetchall()
    verdict = Verdict(changes=len(changes), snapshots=len(snapshots))
    ids = Counter(change[8] for change in changes)
    verdict.doubled += [f"change {one} {count} times" for one, count in ids.items() if count > 1]
    seen = {(int(c[6]), int(c[7])) for c in changes if c[6] is not None and c[7] is not None}
    verdict.transactions = len(seen)
    verdict.lost += [f"transaction {name}" for name in (outcome.committed & outcome.changed) - seen]
    verdict.wrong += [f"never committed: {name}" for name in seen - outcome.committed - outcome.unknown]
    verdict.wrong += [
        f"no context: {c[:5]}" for c in changes if c[6] is None and c[1] not in ("SNAPSHOT", "SCHEMA")
    ]
    # Each is a replay of everything until then: a few dozen, the last among them.
    snapshots = snapshots[::-1][:: max(1, len(snapshots) // SNAPSHOTS_MAX)][::-1]
    for number, snapshot in enumerate(snapshots):
        # The chain of before and after is the same for every snapshot: the last one shows all.
        chain = verdict.wrong if number == len(snapshots) - 1 else []
        for table in TABLES:
            rows = replay([c for c in changes if c[0] == table and snapshot.shows(c[5])], table, chain)
            if rows == snapshot.tables[table]:
                continue
            missing = Counter(snapshot.tables[table]) - Counter(rows)
            extra = Counter(rows) - Counter(snapshot.tables[table])
            place = f"{table} at {snapshot.text}"
            verdict.lost += [f"{place}: {row[:200]}" for row in list(missing)[:3]]
            verdict.wrong += [f"{place}: not there: {row[:200]}" for row in list(extra)[:3]]
    return verdict


def replay(changes: list[Change], table: str, wrong: list[str]) -> list[str]:
    """The table's rows after these changes. Notes each `before` that is not what was before."""
    rows: Counter[str] = Counter()
    keys: dict[str, str] = {}
    for _, operation, key, before, after, *_ in changes:
        if operation == "TRUNCATE":
            rows.clear()
            keys.clear()
            continue
        if operation in ("UPDATE", "DELETE"):
            if rows[before] < 1:
                wrong.append(f"{table}: {operation} of a row that was not so: {before[:200]}")
            rows[before] -= 1
            if table not in KEYLESS and keys.pop(key_of(table, before), None) is None:
                wrong.append(f"{table}: {operation} of a key that was not there: {before[:200]}")
        if operation in ("CREATE", "UPDATE", "SNAPSHOT"):
            rows[after] += 1
            if table not in KEYLESS:
                if key in keys:
                    wrong.append(f"{table}: {key} is there already")
                if key != key_of(table, after):
                    wrong.append(f"{table}: key {key} of {after[:200]}")
                keys[str(key)] = after
    return sorted(rows.elements())


def key_of(table: str, row: str) -> str:
    values = json.loads(row)
    if table == "pair":
        return json.dumps([values["b"], str(values["a"])], ensure_ascii=False)
    return str(values["id"])
