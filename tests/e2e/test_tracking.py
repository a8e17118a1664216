"""Every committed change, once, in commit order, with the right context."""

from __future__ import annotations

import json
import random

import psycopg

from e2e.oracle import assert_no_doubles, history, live_rows, replayed_rows, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, every_major
from support.seeds import printed_seed

TRANSACTIONS = 1000


class Workload:
    """Random transactions with savepoints and rollbacks; remembers what each survivor should say."""

    def __init__(self, connection: psycopg.Connection, seed: int) -> None:
        self.connection = connection
        self.random = random.Random(seed)
        self.next_id = 0
        self.expected: list[tuple[str, str, object]] = []  # operation, key, context

    def run(self, transactions: int) -> None:
        for number in range(transactions):
            self.transaction(number)

    def transaction(self, number: int) -> None:
        cursor = self.connection.cursor()
        done: list[tuple[str, str]] = []
        context = {"number": number, "text": "'\"\\ \u00e9 %s :x */"} if number % 3 else None
        first = self.random.random() < 0.5
        if context and first:
            self.emit(cursor, context)
        for _ in range(self.random.randint(1, 4)):
            if self.random.random() < 0.3:
                cursor.execute("savepoint s")
                kept = self.change(cursor)
                if self.random.random() < 0.5:
                    cursor.execute("rollback to savepoint s")
                    kept = []
                done += kept
            else:
                done += self.change(cursor)
        if context and not first:
            self.emit(cursor, context)
        if self.random.random() < 0.2:
            self.connection.rollback()
            return
        self.connection.commit()
        self.expected += [(operation, key, context or {}) for operation, key in done]

    def emit(self, cursor: psycopg.Cursor, context: object) -> None:
        cursor.execute("select pg_logical_emit_message(true, '_bemi', %s)", (json.dumps(context),))

    def change(self, cursor: psycopg.Cursor) -> list[tuple[str, str]]:
        kind = self.random.random()
        if kind < 0.5:
            self.next_id += 1
            cursor.execute(
                "insert into item values (%s, %s, %s)",
                (
                    self.next_id,
                    self.random.choice(["a", "b\n\t\\", "", "ü€😀"]),
                    self.random.random(),
                ),
            )
            return [("CREATE", str(self.next_id))]
        cursor.execute("select id from item order by id")
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        target = self.random.choice(ids)
        if kind < 0.8:
            cursor.execute("update item set amount = amount + 1 where id = %s", (target,))
            return [("UPDATE", str(target))]
        cursor.execute("delete from item where id = %s", (target,))
        return [("DELETE", str(target))]


@every_major
def test_mixed_transactions(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    database.sql("create table item (id int primary key, name text, amount double precision)")
    start_worker().wait_ready()
    with psycopg.connect(database.url) as connection:
        workload = Workload(connection, seed)
        workload.run(TRANSACTIONS)
    sync(database.url)
    changes = history(database.url)
    seen = [(c["operation"], c["primary_key"], c["context"]) for c in changes]
    assert seen == workload.expected
    assert replayed_rows(changes, "item") == live_rows(database.url, "item")
    assert_no_doubles(database.url)


@every_major
def test_a_large_streamed_transaction(database: Database, start_worker: StartWorker) -> None:
    """Streamed while it is open, with a rolled-back savepoint, beside one that commits first."""
    database.sql("create table item (id int primary key, name text)")
    start_worker().wait_ready()
    with psycopg.connect(database.url) as big, psycopg.connect(database.url) as small:
        for connection in (big, small):
            connection.execute("set logical_decoding_work_mem = '64kB'")
        insert = "insert into item select i, repeat('x', 100) from generate_series(%s::int, %s) i"
        big.execute(insert, (1, 3000))
        big.execute("savepoint s")
        big.execute("select pg_logical_emit_message(true, '_bemi', '{\"gone\": true}')")
        big.execute(insert, (3001, 6000))
        big.execute("rollback to savepoint s")
        small.execute(insert, (10001, 13000))
        small.commit()
        big.execute(insert, (6001, 9000))
        big.execute("select pg_logical_emit_message(true, '_bemi', '{\"user_id\": 1}')")
        big.commit()
    sync(database.url)
    changes = history(database.url)
    assert [int(c["primary_key"]) for c in changes] == [
        *range(10001, 13001),
        *range(1, 3001),
        *range(6001, 9001),
    ]
    assert [c["context"] for c in changes[:3000]] == [{}] * 3000
    assert [c["context"] for c in changes[3000:]] == [{"user_id": 1}] * 6000
    assert replayed_rows(changes, "item") == live_rows(database.url, "item")


@every_major
def test_values_equal_to_jsonb(database: Database, start_worker: StartWorker) -> None:
    database.sql("create type mood as enum ('sad', 'it''s \"ok\"')")
    database.sql('create type pair as (a int, "b c" text)')
    database.sql("create domain positive as numeric check (value > 0)")
    database.sql("create extension hstore; create extension citext")
    database.sql(
        """create table v (id int primary key, bo bool, i2 int2, i8 int8, f4 float4, f8 float8, nu numeric,
        ch char(5), vc varchar, by bytea, da date, ti time, tz timetz, ts timestamp, tt timestamptz,
        iv interval, uu uuid, js json, jb jsonb, ia int[], ta text[], na numeric[], ra int4range,
        mr int4multirange, en mood, ea mood[], co pair, ca pair[], po positive, pa positive[],
        ine inet, cid cidr, mac macaddr, bi bit(10), vb varbit, mo money, xm xml, tv tsvector,
        pt point, bx box, oi oid, hs hstore, ci citext, lsn pg_lsn, iv2 int2vector, nm name)"""
    )
    start_worker().wait_ready()
    columns = [
        row[0]
        for row in database.sql(
            "select attname from pg_attribute where attrelid = 'v'::regclass and attnum > 1 order by attnum"
        )
    ]
    for number, literals in enumerate(VALUES, start=1):
        used = dict(zip(columns, literals, strict=True))
        values = ", ".join("null" if v is None else v for v in used.values())
        database.sql(f"insert into v values ({number}, {values})")
    database.sql("update v set i2 = 7")
    database.sql("delete from v")
    sync(database.url)
    # The oracle: the same rows again, by the server.
    for number, literals in enumerate(VALUES, start=1):
        values = ", ".join("null" if v is None else v for v in literals)
        database.sql(f"insert into v values ({number}, {values})")
    with psycopg.connect(database.url, options="-c TimeZone=UTC") as connection:
        rows = connection.execute("select id::text, to_jsonb(v) from v").fetchall()
        expected: dict[str, dict[str, object]] = dict(rows)
    for change in history(database.url, "operation = 'CREATE'")[: len(VALUES)]:
        for column, value in expected[change["primary_key"]].items():
            assert change["after"][column] == value, column
    assert [c["before"] for c in history(database.url, "operation = 'UPDATE'")] == [
        c["after"] for c in history(database.url, "operation = 'CREATE'")[: len(VALUES)]
    ]


VALUES: list[list[str | None]] = [
    [
        "true",
        "-32768",
        "9223372036854775807",
        "1e20",
        "-1.5e-300",
        "1.500",
        "'ab'",
        "'q\"\\\\'",
        r"'\xdeadbeef'",
        "'2026-11-23'",
        "'24:00:00'",
        "'12:00:00.5+02'",
        "'2026-11-23 17:09:14.123456'",
        "'2026-11-23 17:09:14.1+02'",
        "'1 year 2 days 03:04:05.6'",
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        '\'{"a": [1, null, "x"]}\'',
        "'{\"b\": 1.50}'",
        "'{{1,2},{3,NULL}}'",
        """array['a,b', '"q"', 'NULL', null, '', 'back\\slash', '{}']""",
        "'{1.50,NaN}'",
        "'[1,5)'",
        "'{[1,3),[5,8)}'",
        "'it''s \"ok\"'",
        "array['sad', 'it''s \"ok\"']::mood[]",
        "row(1, 'x,\"y\\')",
        "array[row(1,'a b')::pair, row(null,'')::pair]",
        "12.50",
        "'{1.0,2}'",
        "'10.0.0.1/8'",
        "'10.0.0.0/8'",
        "'08:00:2b:01:02:03'",
        "B'1010101010'",
        "B'101'",
        "'-12.34'",
        "'<a>\u00e9</a>'",
        "'a b:2'",
        "'(1,2)'",
        "'((0,0),(1,1))'",
        "42",
        "'a=>1, \"b c\"=>NULL'",
        "'MiXed'",
        "'16/B374D848'",
        "'1 2 3'",
        "'some name'",
    ],
    [
        "false",
        "0",
        "-1",
        "'NaN'",
        "'-Infinity'",
        "'NaN'",
        "''",
        "''",
        "''",
        "'infinity'",
        "'00:00:00'",
        "'00:00:00+00'",
        "'-infinity'",
        "'infinity'",
        "'-1 mon'",
        None,
        "'null'",
        "'null'",
        "'{}'",
        "'{}'",
        "'{}'",
        "'empty'",
        "'{}'",
        "'sad'",
        "'{}'",
        "row(null, null)",
        "'{}'",
        "1",
        "'{}'",
        "'::1'",
        "'::/0'",
        None,
        "B'0000000000'",
        "''",
        "0",
        None,
        "''",
        None,
        None,
        "0",
        "''",
        "''",
        None,
        "''",
        "''",
    ],
    [
        None,
        None,
        None,
        "-0.0",
        "1e-5",
        "123456789012345678901234567890.123456789",
        None,
        "E'\\n\\t\\x01'",
        None,
        "'0044-03-15 BC'",
        None,
        None,
        "'0001-01-01 00:00:00 BC'",
        "'294276-12-31 23:59:59+00'",
        None,
        None,
        '\'{"a": 1, "a": 2}\'',
        None,
        "'{1}'",
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    ],
]


def test_commands_read_it(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table todo (id int primary key, task text)")
    start_worker().wait_ready()
    database.sql("insert into todo values (1, 'a, \"b\"')")
    env = {"BEMI_SOURCE_URL": database.url}
    sync(database.url)
    line = json.loads(bemi("changes", "--format", "json", "--table", "todo", env=env).stdout)
    assert line["primary_key"] == "1" and line["after"] == {"id": 1, "task": 'a, "b"'}
    assert "CREATE" in bemi("changes", env=env).stdout
    assert bemi("changes", "--format", "csv", env=env).stdout.startswith("id,source,")
    status = json.loads(bemi("status", "--format", "json", env=env).stdout)
    assert status["state"] == "streaming" and status["changes"] == 1
