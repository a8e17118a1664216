"""Messages in the WAL are input from strangers: any role that may log in writes them, and none of it ends
the worker, slows it beyond its share, or is believed."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from e2e.oracle import history, sync

from attack.conftest import NewRole
from attack.roles import Role
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed

TABLE = "create table todo (id int primary key, task text)"

# What a message of the event trigger's looks like.
COLUMN: dict[str, Any] = {
    "name": "id",
    "type": "integer",
    "type_oid": 23,
    "type_modifier": -1,
    "number": 1,
    "form": {"oid": 23, "name": "integer", "kind": "scalar"},
}


def message_of(oid: int, **changed: Any) -> dict[str, Any]:
    table = {
        "oid": oid,
        "schema": "public",
        "table": "todo",
        "identity": "f",
        "columns": [COLUMN],
        "primary_key": ["id"],
    }
    whole = {
        "v": 1,
        "command": "ALTER TABLE",
        "sql": "x",
        "xid": 1,
        "empty": False,
        "dropped": False,
        "table": table,
    }
    return whole | changed


def nested(kind: str, depth: int) -> str:
    if kind == "columns":
        return json.dumps(message_of(1)).replace(json.dumps([COLUMN]), "[" * depth)
    form = '{"oid": 99999, "name": "x", "kind": "array", "element": ' * depth
    inner = '{"oid": 99999, "name": "x", "kind": "scalar"}'
    column = json.dumps(COLUMN).replace(json.dumps(COLUMN["form"]), form + inner + "}" * depth)
    return json.dumps(message_of(1)).replace(json.dumps(COLUMN), column)


def with_column(**changed: Any) -> str:
    message = message_of(77777)
    message["table"]["columns"] = [COLUMN | changed]
    return json.dumps(message)


def with_table(**changed: Any) -> str:
    message = message_of(77777)
    message["table"] |= changed
    return json.dumps(message)


POISON = {
    "delimiter": with_column(form={"oid": 99999, "name": "x", "kind": "scalar", "delimiter": ""}),
    "deep columns": nested("columns", 200_000),
    "deep types": nested("form", 50_000),
    "zero in a key": with_table(primary_key=["a\u0000"]),
    "zero in a name": with_column(name="a\u0000"),
    "zero in a default": with_column(
        missing_text='"\u0000"', form={"oid": 114, "name": "json", "kind": "scalar"}
    ),
    "long schema": with_table(schema="s" * 9000),
    "long table, unseen": json.dumps(json.loads(with_table(table="t" * 9000)) | {"unseen": True}),
    "many columns": with_table(columns=[COLUMN] * 5000),
    "odd oids": with_table(oid=-1, leaves=[1.5, 2**40]),
    "odd modifier": with_column(type_modifier="x"),
    "attributes": with_column(form={"oid": 99999, "name": "x", "kind": "composite", "attributes": 7}),
    "surrogate": '{"command": "\\ud800"}',
    "not JSON": "{",
    "not UTF-8": "\\xff",
}


def emit(role: Role, prefix: str, content: str) -> None:
    if content == "\\xff":
        role.sql("select pg_logical_emit_message(true, %s, '\\xff'::bytea)", prefix)
    else:
        role.sql("select pg_logical_emit_message(true, %s, %s::text)", prefix, content)


def versions(database: Database) -> list[tuple[Any, ...]]:
    """What is believed of the shapes of tables."""
    return database.sql(
        'select relation, schema, "table", columns, dropped from _bemi.relation_version order by 1, 2, 3, 4'
    )


@oldest_and_newest
@pytest.mark.parametrize("prefix", ["_bemi_schema", "_bemi", "_bemi_fence", "_bemi_heartbeat"])
def test_no_message_of_a_stranger_ends_the_worker(
    database: Database, start_worker: StartWorker, new_role: NewRole, prefix: str
) -> None:
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    nobody = new_role("nobody")
    database.sql("insert into todo values (1, 'before')")
    sync(database.url)
    before = versions(database)
    for content in POISON.values():
        emit(nobody, prefix, content)
    database.sql("insert into todo values (2, 'after')")
    sync(database.url)
    assert worker.is_running
    assert [
        c["primary_key"] for c in history(database.url, "\"table\" = 'todo' and operation = 'CREATE'")
    ] == ["1", "2"]
    assert versions(database) == before
    worker.terminate()
    start_worker().wait_ready()
    database.sql("insert into todo values (3, 'restarted')")
    sync(database.url)
    assert len(history(database.url, "operation = 'CREATE'")) == 3


@oldest_and_newest
def test_refused_messages_are_counted_and_kept_within_bounds(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    nobody = new_role("nobody")
    # One transaction, and then many: far more than an hour may bring.
    nobody.sql("select pg_logical_emit_message(true, '_bemi', 'x' || i) from generate_series(1, 1000) i")
    nobody.sql(
        "do $$ begin for i in 1 .. 700 loop perform pg_logical_emit_message(true, '_bemi_schema', '{'); commit; "
        "end loop; end $$"
    )
    sync(database.url)
    counted = database.sql("select contexts_rejected, schema_refused from _bemi.source")
    assert counted == [(1000, 700)]
    kept = dict(database.sql("select what, count(*) from _bemi.parked group by 1"))
    assert kept["context"] == 16
    assert kept["context"] + kept["schema"] == 500
    said = [line for line in worker.lines() if " refused" in line and "see _bemi.parked" in line]
    assert 1 <= len(said) <= 4, said
    assert worker.is_running


def mutated(chance: random.Random) -> bytes:
    """A message that the event trigger, or an application, could have sent, with a few bytes or parts changed."""
    seeds = [
        *POISON.values(),
        json.dumps(message_of(1)),
        '{"user_id": 42, "_bemi": {"v": 1, "scope": "next"}}',
        "{}",
    ]
    text = chance.choice(seeds)[: chance.choice([100, 3000, 100_000])].encode()
    for _ in range(chance.randint(0, 6)):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(PIECES) + text[at + chance.randint(0, 3) :]
    return text


PIECES = [
    piece if isinstance(piece, bytes) else piece.encode()
    for piece in (
        *('"', "{", "}", "[", "]", ",", ":", "\\u0000", "\\ud800", "\\", "1e99999", "-1", "null", "é", "x" * 70, ""),
        *(b"\xff", b"\x00", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"),
    )
]  # fmt: skip
NAMES = [
    "_bemi",
    "scope",
    "v",
    "sql",
    "SQL",
    "table",
    "columns",
    "form",
    "element",
    "",
    "a",
    "é",
    "\x00",
    "a" * 100,
]


def grown(chance: random.Random, depth: int) -> str:
    """JSON of random structure; as no library writes it, with the same key twice."""
    kind = chance.randrange(8) if depth > 0 else chance.randrange(4)
    if kind < 3:
        number = str(chance.choice([0, -1, 2**63, 1e308, "1e-400", "-0", "0.1" + "0" * 300]))
        return chance.choice([number, "true", "null"])
    if kind == 3:
        length = chance.choice([0, 1, 40, 5000])
        return json.dumps(
            "".join(chr(chance.choice([0, 9, 34, 92, 127, 233, 0x1F600])) for _ in range(length))
        )
    parts = [grown(chance, depth - 1) for _ in range(chance.choice([0, 1, 2, 5, 40 if depth < 3 else 2]))]
    if kind < 6:
        return "{" + ", ".join(f"{json.dumps(chance.choice(NAMES))}: {part}" for part in parts) + "}"
    return "[" + ", ".join(parts) + "]"


def random_content(chance: random.Random) -> bytes:
    kind = chance.randrange(10)
    if kind < 5:
        return mutated(chance)
    if kind < 7:
        return grown(chance, chance.randint(0, 7)).encode()[:3_000_000]
    if kind == 7:
        return chance.randbytes(chance.choice([0, 1, 64, 65, 4096, 300_000]))
    if kind == 8:
        return b"0" * 64 + mutated(chance)  # where a signature stands
    opening = chance.choice([b"[", b'{"a":', b'[{"_bemi":', b'"'])
    return opening * chance.choice([10, 513, 100_000, 1_000_000])


PREFIXES = [
    "_bemi",
    "_bemi_schema",
    "_bemi_fence",
    "_bemi_heartbeat",
    "_bemi_mark",
    "_bemi_",
    "_bemi_reset",
    "_BEMI_x",
]


@dataclass
class Sent:
    """What must be counted as refused, by what we know of how we sent it."""

    schema: int = 0
    other: int = 0

    def add(self, prefix: str, content: bytes) -> None:
        if prefix == "_bemi_schema":
            self.schema += 1
        elif prefix not in ("_bemi", "_BEMI_x") and (
            content or prefix not in ("_bemi_fence", "_bemi_heartbeat")
        ):
            self.other += 1


def send_some(connection: psycopg.Connection[Any], chance: random.Random, sent: Sent) -> None:
    """One transaction, of which savepoints or all may be rolled back."""
    ends_well = chance.random() < 0.9
    kept: list[tuple[str, bytes]] = []
    with connection.transaction(force_rollback=not ends_well):
        for _ in range(chance.choice([1, 3, 60])):
            content, prefix = random_content(chance), chance.choice(PREFIXES)
            transactional = chance.random() < 0.9
            undone = chance.random() < 0.1
            with connection.transaction(force_rollback=undone):
                connection.execute(
                    "select pg_logical_emit_message(%s, %s, %s::bytea)", (transactional, prefix, content)
                )
            if not transactional:
                # Nothing takes it back; and its signal counts for nothing.
                sent.add(prefix, content or b"x")
            elif not undone:
                kept.append((prefix, content))
    if ends_well:
        for prefix, content in kept:
            sent.add(prefix, content)


@oldest_and_newest
def test_random_messages_are_survived(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    """`./dev fuzz messages --seconds N` runs it for longer."""
    seed = printed_seed()
    chance = random.Random(seed)
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    nobody = new_role("nobody")
    database.sql("insert into todo values (0, 'first')")
    sync(database.url)
    before = versions(database)
    sent = Sent()
    end = time.monotonic() + float(os.environ.get("BEMI_FUZZ_SECONDS", "4"))
    rounds = 0
    while time.monotonic() < end:
        with nobody.connect() as connection:
            send_some(connection, chance, sent)
        rounds += 1
        database.sql(f"insert into todo values ({rounds}, 'x')")
        if rounds % 20 == 0:
            sync(database.url, seconds=300)
            assert worker.is_running
    sync(database.url, seconds=300)
    assert worker.is_running
    rows = history(database.url, "\"table\" = 'todo' and operation = 'CREATE'")
    assert [row["primary_key"] for row in rows] == [str(i) for i in range(rounds + 1)]
    assert all(row["context"] == {} for row in rows)
    assert versions(database) == before
    counted = database.sql("select schema_refused, messages_refused from _bemi.source")
    assert counted == [(sent.schema, sent.other)]
    [[kept]] = database.sql("select count(*) from _bemi.parked")
    assert kept <= 500
    print(f"{rounds} transactions; {sent}")
