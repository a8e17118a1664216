"""Random work on whatever tables a database has, told by its catalog alone: rows, references, DDL in mid-stream,
and what each table held at moments between two transactions."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import dataclass, field
from typing import Any

import psycopg

from schemas.values import Column, value
from support.fixtures import Database

# Applications' tables that are written to; partitions are written through their roots.
TABLES = """
select format('%I.%I', n.nspname, c.relname), c.oid::int,
  (select jsonb_agg(jsonb_build_array(
      quote_ident(a.attname), format_type(a.atttypid, null),
      case when t.typelem <> 0 and t.typcategory = 'A' then format_type(t.typelem, null) else '' end,
      case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 0 then a.atttypmod - 4 else 0 end,
      array(select e.enumlabel from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder),
      not a.attnotnull, coalesce(a.attnum = any (k.indkey), false)) order by a.attnum)
   from pg_attribute a join pg_type t on t.oid = a.atttypid
   left join pg_index k on k.indrelid = c.oid and k.indisprimary
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a'),
  coalesce((select jsonb_agg(jsonb_build_array(f.confrelid::int,
      (select jsonb_agg(quote_ident(a.attname) order by u.n) from unnest(f.conkey) with ordinality u (k, n)
       join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.k),
      (select jsonb_agg(quote_ident(a.attname) order by u.n) from unnest(f.confkey) with ordinality u (k, n)
       join pg_attribute a on a.attrelid = f.confrelid and a.attnum = u.k)))
    from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
  and n.nspname !~ '^(pg_|_bemi|bemi$|information_schema$|time_travel)'
  and not (n.nspname = 'public' and c.relname ~ '^changes')
order by 1
"""

Refusals = tuple[type[psycopg.Error], ...]

REFUSED: Refusals = (
    psycopg.errors.IntegrityError,
    psycopg.errors.DataError,
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.WrongObjectType,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DependentObjectsStillExist,
    psycopg.errors.DatatypeMismatch,
    psycopg.errors.InvalidObjectDefinition,
    psycopg.errors.UndefinedColumn,
)

# Only of DDL: for a write, the first would be a table that Bemi had published without an identity. The others come
# with columns of another type: a CHECK that compares numbers, a type without an operator class.
REFUSED_DDL: Refusals = (
    *REFUSED,
    psycopg.errors.ObjectNotInPrerequisiteState,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
)

DDL = [
    "alter table {t} add column if not exists added_{n} text default 'x'",
    "alter table {t} add column if not exists counted_{n} int not null default {n}",
    "alter table {t} rename column {c} to renamed_{n}",
    "alter table {t} drop column {c}",
    "alter table {t} alter column {c} type text using {c}::text",
    "create index on {t} ({c})",
    "comment on column {t}.{c} is 'seen'",
    "truncate {t} cascade",
]


@dataclass
class Table:
    name: str
    oid: int
    columns: list[Column]
    references: list[tuple[int, list[str], list[str]]]  # referenced table, columns here, columns there


def column_of(said: list[Any]) -> Column:
    name, type_, element, length, labels, is_nullable, is_in_key = said
    return Column(name, type_, element, length, tuple(labels), is_nullable, is_in_key)


@dataclass
class Moment:
    at: str
    rows: dict[str, list[str]]  # of each table


@dataclass
class Work:
    database: Database
    seed: int
    moments: list[Moment] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    reshaped: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.connection = psycopg.connect(self.database.url, autocommit=True, options="-c TimeZone=UTC")
        self.look()

    def look(self) -> None:
        rows = self.connection.execute(TABLES.encode()).fetchall()
        self.tables = [
            Table(name, oid, [column_of(column) for column in columns or []], references)
            for name, oid, columns, references in rows
        ]
        self.names = {table.oid: table.name for table in self.tables}

    def transaction(self, user: int, with_ddl: bool = False) -> None:
        context = json.dumps({"user_id": user})
        # Constraints that wait for the commit may refuse it.
        with contextlib.suppress(psycopg.errors.IntegrityError), self.connection.transaction():
            self.connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", [context])
            for _ in range(self.chance.randint(1, 6)):
                self.attempt(self.statement(self.chance.choice(self.tables)))
        if with_ddl:
            self.change_shape()

    def attempt(self, statement: str, refused: Refusals = REFUSED) -> bool:
        """What the application's own constraints refuse is not done."""
        try:
            with self.connection.transaction():
                self.connection.execute(statement.encode())
        except refused as error:
            if "_bemi" in (error.diag.context or ""):
                raise  # a trigger of ours must not fail the application's statement
            return False
        return True

    def insert(self, table: Table) -> None:
        if self.attempt(self.insertion(table)):
            self.written.add(table.name)

    def statement(self, table: Table) -> str:
        kind = self.chance.random()
        some = f"ctid in (select ctid from only {table.name} order by random() limit 2)"
        if table.name in self.partitioned():
            some = self.some_by_value(table)
        if kind < 0.6:
            self.written.add(table.name)
            return self.insertion(table)
        if kind < 0.85 and table.columns:
            column = self.chance.choice(table.columns)
            return f"update {table.name} set {column.name} = {value(self.chance, column)} where {some}"
        return f"delete from {table.name} where {some}"

    def partitioned(self) -> set[str]:
        rows = self.connection.execute(
            "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n"
            " on n.oid = c.relnamespace where c.relkind = 'p'"
        )
        return {name for (name,) in rows}

    def some_by_value(self, table: Table) -> str:
        column = table.columns[0].name
        return f"{column} in (select {column} from {table.name} order by random() limit 2)"

    def insertion(self, table: Table) -> str:
        """References point at rows that are there, where there are any."""
        values = {column.name: value(self.chance, column) for column in table.columns}
        for other, here, there in table.references:
            found = self.any_row(other, there)
            for position, column in enumerate(here):
                if column in values:
                    values[column] = str(found[position]) if found else "null"
        if not values:
            return f"insert into {table.name} default values"
        return f"insert into {table.name} ({', '.join(values)}) values ({', '.join(values.values())})"

    def any_row(self, table: int, columns: list[str]) -> tuple[str, ...] | None:
        if table not in self.names:
            return None
        selected = ", ".join(f"quote_nullable({column})" for column in columns)
        statement = f"select {selected} from {self.names[table]} order by random() limit 1"
        return self.connection.execute(statement.encode()).fetchone()

    def change_shape(self) -> None:
        table = self.chance.choice(self.tables)
        if not table.columns:
            return
        column = self.chance.choice(table.columns).name
        statement = self.chance.choice(DDL).format(t=table.name, c=column, n=self.chance.randint(0, 99))
        if self.attempt(statement, REFUSED_DDL):
            self.reshaped.add(table.name)
        self.look()

    def note(self) -> Moment:
        """What the source has now, in one snapshot."""
        with self.connection.transaction():
            self.connection.execute("set transaction isolation level repeatable read")
            rows = {table.name: self.rows(table.name) for table in self.tables}
        with contextlib.closing(self.connection.execute("select clock_timestamp()::text")) as cursor:
            found = cursor.fetchone()
        assert found is not None
        moment = Moment(str(found[0]), rows)
        self.moments.append(moment)
        return moment

    def rows(self, table: str) -> list[str]:
        """Of the table alone: what inherits from it is a table by itself."""
        found = self.connection.execute(
            f"select to_jsonb(t)::text from {'' if table in self.partitioned() else 'only '}{table} t".encode()
        )
        return sorted(text for (text,) in found)

    def close(self) -> None:
        self.connection.close()
