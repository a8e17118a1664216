"""Random work on random tables, whose shapes change under way, and what it left at random moments.

What was there is told by the source server alone: each table's rows as text, column by column, in one
REPEATABLE READ transaction between two commits.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg

SCHEMA = """
create schema app;
create schema "Odd Schema";
create type mood as enum ('sad', 'ok, "so"');
create table item (id int primary key, name text, data json, amount numeric, felt mood);
create table "Odd Schema"."Od""d" ("a b" int, "Key" text, "n'ote" jsonb, tags text[],
                                   primary key ("Key", "a b"));
create table app.item (id bigint primary key, item_id int, at timestamptz, flag bool default true);
create table loose (v int, w text, x json);
alter table loose replica identity full;
create table part (id int, k int, note varchar(40), primary key (k, id)) partition by range (k);
create table part_1 partition of part for values from (0) to (10);
create table part_2 partition of part for values from (10) to (20);
insert into item select i, 'before tracking', '{"a": [1, null]}', 1.50, 'sad' from generate_series(1, 5) i;
insert into loose values (1, 'x', 'null'), (1, 'x', 'null'), (1, 'x', null), (2, null, '{"b":1,  "b":2}');
insert into part select i, i, 'p' from generate_series(0, 19, 3) i;
"""
SCHEMAS = ["public", "app", "Odd Schema"]

VALUES = {
    "int4": ["0", "1", "2", "3", "7", "12", "15"],
    "int8": ["1", "2", "3", "9223372036854775807"],
    "text": ["", "a", "b\"'", "é✓", "null", "{}", "long " * 20],
    "varchar": ["", "v", "x,y"],
    "json": ["null", '{"a": 1.0,  "a": 2}', "[1, null]", '"s"', "1e2"],
    "jsonb": ["null", '{"a": [1, null]}', "[]", "-0.0"],
    "numeric": ["1.50", "NaN", "-0.0", "1e20", "0.000"],
    "bool": ["t", "f"],
    "timestamptz": ["2026-11-23 17:09:14.5+01", "infinity", "0044-03-15 12:00:00+00 BC"],
    "_text": ['{a,"b c",NULL}', "{}", "[2:3]={x,y}", "{{1,2},{3,4}}"],
    "mood": ["sad", 'ok, "so"'],
}
ADDED = [
    "text",
    "int",
    "numeric(6,2) default 1.50",
    "int[] default '{1,null}'",
    "timestamptz default '2026-11-23 17:09:14+01'",
    "json default 'null'",
    "mood not null default 'sad'",
    "int not null default 7",
]
REFUSALS = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.NotNullViolation,
    psycopg.errors.CheckViolation,
    psycopg.errors.StringDataRightTruncation,
    psycopg.errors.ObjectNotInPrerequisiteState,
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.DependentObjectsStillExist,
    psycopg.errors.DuplicateTable,
    psycopg.errors.WrongObjectType,
    psycopg.errors.InvalidObjectDefinition,
    psycopg.errors.NumericValueOutOfRange,
    psycopg.errors.LockNotAvailable,
)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Table:
    """As it was at a moment."""

    oid: int
    schema: str
    name: str
    partitioned: bool
    columns: dict[int, str]  # by their numbers, which stay when they are renamed
    types: dict[int, str]
    key: list[int]
    rows: list[dict[int, str | None]] = field(default_factory=list)
    json_rows: Counter[str] = field(default_factory=Counter)
    uncertain: bool = False  # rows came or went without a word, and were not read anew yet

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def key_text(self, row: dict[int, str | None]) -> str:
        """As `primary_key` has it."""
        values = [row[number] or "" for number in self.key]
        return values[0] if len(values) == 1 else json.dumps(values, ensure_ascii=False)


@dataclass
class Moment:
    at: str
    lsn: str
    tables: dict[int, Table]


CATALOG = """
select c.oid::int, n.nspname, c.relname, c.relkind = 'p',
       (select jsonb_agg(jsonb_build_array(a.attnum, a.attname, t.typname) order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
       coalesce((select to_jsonb(i.indkey::int2[]) from pg_index i
                 where i.indrelid = c.oid and i.indisprimary), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any(%s) and c.relname !~ '^changes'
order by n.nspname, c.relname
"""


class Work:
    def __init__(self, url: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.connection = psycopg.connect(url, autocommit=True, options="-c lock_timeout=100ms")
        # Begins before moments and commits after them.
        self.slow = psycopg.connect(url)
        self.reader = psycopg.connect(
            url,
            autocommit=True,
            options="-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1",
        )
        self.moments: list[Moment] = []
        self.uncertain = False
        self.count = 0

    def close(self) -> None:
        for connection in (self.connection, self.slow, self.reader):
            connection.close()

    def tables(self) -> list[Table]:
        return catalog(self.reader)

    # ---- Rows ----

    def value(self, type_name: str, nullable: bool = True) -> str:
        if type_name not in VALUES or (nullable and self.random.random() < 0.2):
            return "null"
        return "'" + self.random.choice(VALUES[type_name]).replace("'", "''") + "'"

    def statement(self, table: Table) -> str:
        chance = self.random.random()
        numbers = list(table.columns)
        if chance < 0.45 or not numbers:
            names = ", ".join(quoted(table.columns[n]) for n in numbers)
            values = ", ".join(self.value(table.types[n], nullable=n not in table.key) for n in numbers)
            return f"insert into {table.quoted} ({names}) values ({values}) on conflict do nothing"
        some = self.some(table)
        if chance < 0.85:
            # Keys too: then a row gets another one, or moves to another partition.
            number = self.random.choice(numbers)
            name, value = quoted(table.columns[number]), self.value(table.types[number])
            return f"update {table.quoted} set {name} = {value} {some}"
        if chance < 0.98:
            return f"delete from {table.quoted} {some}"
        return f"truncate {table.quoted}"

    def some(self, table: Table) -> str:
        if not table.partitioned:
            return (
                f"where ctid in (select ctid from {table.quoted}"
                f" order by hashtext(ctid::text || '{self.count}') limit {self.random.randint(1, 2)})"
            )
        return (
            f"where {quoted(table.columns[table.key[0]])} = {self.random.randint(0, 19)}" if table.key else ""
        )

    def transact(self) -> None:
        """A few statements on any tables, some of them rolled back, sometimes with DDL among them."""
        self.count += 1
        tables = self.tables()
        with self.connection.transaction() as transaction:
            for _ in range(self.random.randint(1, 5)):
                self.attempt(self.statement(self.random.choice(tables)))
            if self.random.random() < 0.1:
                raise psycopg.Rollback(transaction)

    def attempt(self, statement: str) -> bool:
        try:
            with self.connection.transaction():
                self.connection.execute(statement.encode())
                if self.random.random() < 0.1:
                    raise ZeroDivisionError
        except (ZeroDivisionError, *REFUSALS):
            return False
        return True

    def begin_slowly(self) -> None:
        """Rows that nobody else touches, uncommitted for a while."""
        for table in self.tables():
            if table.name == "item" and table.schema == "app":
                with contextlib.suppress(psycopg.Error):
                    self.slow.execute(
                        f"insert into app.item ({quoted(table.columns[min(table.columns)])})"
                        f" values ({1000 + self.count})"
                    )

    def end_slowly(self) -> None:
        self.slow.commit()

    # ---- Shapes ----

    def alter_plainly(self) -> None:
        """So that all rows stay known."""
        self.alter(unsaid_share=0)

    def alter(self, unsaid_share: float = 0.25) -> bool:
        """True: rows came, went or were rewritten without a word."""
        self.end_slowly()
        self.count += 1
        n = self.count
        table = self.random.choice(self.tables())
        spare = [c for c in table.columns if c not in table.key]
        number = self.random.choice(spare or [*table.columns])
        name = quoted(table.columns[number])
        any_name = quoted(self.random.choice(list(table.columns.values())))
        new_name = quoted(self.random.choice([f"new_{n}", f"N W{n}"]))
        pkey = quoted(table.name + "_pkey")
        plain = [
            f"alter table {table.quoted} add column extra_{n} {self.random.choice(ADDED)}",
            f"alter table {table.quoted} rename column {any_name} to {new_name}",
            f"alter table {table.quoted} drop column {name}",
            f"alter table {table.quoted} rename to {new_name}",
            f"alter table {table.quoted} set schema {quoted(self.random.choice(SCHEMAS))}",
            f"create table made_{n} (id int primary key, k text);"
            f"insert into made_{n} values (1, 'new'), (3, null)",
            f"create table made_{n} (k text, id int, j json);alter table made_{n} replica identity full",
            f"create table app.linked_{n} (a int, b int, primary key (b, a))",
            f"drop table {table.quoted} cascade",
            f"alter table {table.quoted} add column both_{n} int;update {table.quoted} set both_{n} = 1;"
            f"alter table {table.quoted} rename column both_{n} to later_{n}",
        ]
        unsaid = [
            f"alter table {table.quoted} alter column {name} type text using 'to ' || {name}::text",
            f"alter table {table.quoted} add column counted_{n} serial",
            *([f"alter table {table.quoted} drop constraint if exists {pkey}"] if table.key else []),
            *self.partition_work(),
        ]
        is_unsaid = self.random.random() < unsaid_share
        statements = self.random.choice(unsaid if is_unsaid else plain)
        # Without a column of its key a table has no key.
        loses_key = "drop column" in statements and number in table.key
        if (loses_key and unsaid_share == 0) or (
            f"drop table {table.quoted}" in statements and table.name == "item"
        ):
            return False
        is_unsaid = is_unsaid or loses_key
        if "drop table" in statements and (table.name == "item" or len(self.tables()) < 5):
            return False
        try:
            with self.connection.transaction():
                for one in statements.split(";"):
                    self.connection.execute(one.encode())
                if "drop constraint" in statements or loses_key:
                    self.connection.execute(f"alter table {table.quoted} replica identity full".encode())
        except REFUSALS:
            return False
        except psycopg.errors.UndefinedObject:
            return False
        print(statements)
        return is_unsaid

    def partition_work(self) -> list[str]:
        n = self.count
        part = next((t for t in self.tables() if t.partitioned), None)
        if part is None or not part.key:
            return []
        leaves = self.reader.execute(
            "select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_inherits i"
            " join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace"
            " where i.inhparent = %s",
            (part.oid,),
        ).fetchall()
        key = f"{quoted(part.columns[part.key[0]])}, {quoted(part.columns[part.key[-1]])}"
        alone = f"create table part_{n} (like {part.quoted} including all);"
        attach = f"alter table {part.quoted} attach partition part_{n} for values from"
        work = [
            f"create table part_{n} partition of {part.quoted} for values from ({100 + n}) to ({101 + n})",
            f"{alone}{attach} ({200 + n}) to ({201 + n})",
            # One that has rows, and a history of its own.
            f"{alone}alter table part_{n} replica identity full;"
            f"insert into part_{n} ({key}) values ({300 + n}, 1);"
            f"{attach} ({300 + n}) to ({301 + n})",
        ]
        for (leaf,) in leaves:
            if len(leaves) > 2:
                work += [f"alter table {part.quoted} detach partition {leaf}", f"drop table {leaf}"]
            work.append(f"truncate {leaf}")
        return work

    # ---- Moments ----

    def remember(self) -> None:
        with self.reader.transaction():
            self.reader.execute("set transaction isolation level repeatable read")
            [at, lsn] = self.reader.execute(
                "select clock_timestamp()::text, pg_current_wal_insert_lsn()::text"
            ).fetchone() or [None, None]
            tables = {table.oid: table for table in self.tables()}
            for table in tables.values():
                read_rows(self.reader, table)
                table.uncertain = self.uncertain
        self.moments.append(Moment(str(at), str(lsn), tables))


def catalog(connection: psycopg.Connection[Any]) -> list[Table]:
    return [
        Table(
            oid=oid,
            schema=schema,
            name=name,
            partitioned=partitioned,
            columns={number: column for number, column, _ in columns or []},
            types={number: type_name for number, _, type_name in columns or []},
            key=key,
        )
        for oid, schema, name, partitioned, columns, key in connection.execute(CATALOG, (SCHEMAS,)).fetchall()
    ]


def read_rows(connection: psycopg.Connection[Any], table: Table) -> None:
    texts = ", ".join(f"{quoted(name)}::text" for name in table.columns.values())
    query = f"select to_jsonb(t)::text{', ' if texts else ''}{texts} from {table.quoted} t"
    for whole, *values in connection.execute(query.encode()).fetchall():
        table.json_rows[whole] += 1
        table.rows.append(dict(zip(table.columns, values, strict=True)))
