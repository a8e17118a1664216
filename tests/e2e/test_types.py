"""Every type that the server has: `after` is to_jsonb, and `::text` can be had back."""

from __future__ import annotations

import json
import random
from typing import Any

import psycopg
from psycopg import sql

from e2e.oracle import sync
from support.fixtures import Database, StartWorker, every_major
from support.seeds import printed_seed

EXTENSIONS = ["hstore", "citext", "ltree", "cube", "isn", "seg", "intarray"]

OWN_TYPES = """
create type mood as enum ('sad', 'it''s "ok"', 'ü€😀');
create domain positive as numeric check (value > 0);
create domain even_more as positive not null default 1;
create type pair as (a int, "b c" text);
create type nest as (p pair, ps pair[], d positive, j json, m mood);
create type float_range as range (subtype = float8);
create schema other;
create type other.mood as enum ('fine');
create domain texts as text[];
create type empty_row as ();
"""

# By type: texts that the type reads. A type that is not named here takes DEFAULT where it can.
NUMBERS = ["0", "1", "-1"]
TIMES = [
    "2026-11-23 17:09:14.123456",
    "infinity",
    "-infinity",
    "0001-01-01 00:00:00 BC",
    "1500-02-28 01:02:03",
]
NETS = ["10.0.0.1", "::1", "10.0.0.0/8", "2001:db8::/32"]
TEXTS = [
    "",
    "a",
    " a ",
    "quote\" ' \\ {} , NULL",
    "\t\n\r\x01\x7f",
    "ü€😀\u2028",
    "null",
    "NULL",
    "{1}",
    "\\x00",
]
JSONS = [
    "null", "1", '"x"', "[]", "{}", '{"a": [1, null, "x"], "b": {"c": true}}', "1.50", "1e3", "-0", "1E-7",
    '{ "b":1 ,"aa":2,\n"a":3 }', '{"a":1,"a":2}', '"\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/"',
    "123456789012345678901234567890.10", '"' + "x" * 5000 + '"', "[[[[]]]]",
]  # fmt: skip
SAMPLES: dict[str, list[str]] = {
    "boolean": ["t", "f"],
    "bytea": ["\\x", "\\xdeadbeef", "\\x00ff5c"],
    '"char"': ["a", "", '"', "\\377"],
    "name": ["a", 'q"\\', ""],
    "smallint": [*NUMBERS, "-32768"],
    "integer": [*NUMBERS, "-2147483648"],
    "bigint": [*NUMBERS, "9223372036854775807", "9007199254740993"],
    "real": [*NUMBERS, "NaN", "Infinity", "-Infinity", "-0", "1e20", "3.4028235e38", "1e-45", "0.1"],
    "double precision": [*NUMBERS, "NaN", "Infinity", "-Infinity", "-0", "1e300", "5e-324", "0.1", "1e15", "1e16"],
    "numeric": [*NUMBERS, "NaN", "Infinity", "-Infinity", "1.500", "0.00", "1e-20",
                "123456789012345678901234567890.123456789", "9" * 1000, "9" * 131072],
    "money": ["12.34", "-92233720368547758.08", "0"],
    "date": ["2026-11-23", "infinity", "-infinity", "0044-03-15 BC", "5874897-12-31", "4713-11-24 BC"],
    "time without time zone": ["00:00", "24:00:00", "23:59:59.999999"],
    "time with time zone": ["00:00+00", "24:00:00-15:59", "12:00:00.5+02:30:15"],
    "timestamp without time zone": [*TIMES, "294276-12-31 23:59:59.999999"],
    "timestamp with time zone": [*TIMES, "294276-12-31 23:59:59.999999"],
    "interval": ["1 year 2 days 03:04:05.6", "-1 mon", "0", "-00:00:00.000001", "178000000 years", "1 day -1 sec"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "json": [*JSONS, '"\\u0000"', '"\\ud800"', '{"\\u0000": 1}', " 1 ", "[1 , 2]"],
    "jsonb": JSONS,
    "jsonpath": ['$."a"[*] ? (@ > 1)'],
    "xml": ["<a>é</a>", "text", ""],
    "inet": [*NETS, "10.0.0.1/8"],
    "cidr": NETS,
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "bit": ["1"],
    "bit varying": ["", "1" * 100, "01"],
    "tsvector": ["", "'a b':1A,2 'c''d'"],
    "tsquery": ["", "'a' & !'b c'"],
    "point": ["(1,2)", "(-0,1e300)", "(NaN,Infinity)"],
    "line": ["{1,2,3}"],
    "lseg": ["[(0,0),(1,1)]"],
    "box": ["(1,1),(0,0)"],
    "path": ["((0,0),(1,1))", "[(0,0),(1,1)]"],
    "polygon": ["((0,0),(1,1),(1,0))"],
    "circle": ["<(0,0),1>"],
    "oid": ["0", "4294967295"],
    "xid": ["0", "4294967295"],
    "xid8": ["0", "18446744073709551615"],
    "cid": ["0"],
    "tid": ["(0,1)"],
    "pg_lsn": ["16/B374D848", "0/0"],
    "pg_snapshot": ["10:20:10,14"],
    "txid_snapshot": ["10:20:10,14"],
    "oidvector": ["", "1 2 3"],
    "int2vector": ["", "1 -2 3"],
    "refcursor": TEXTS,
    "text": TEXTS,
    "character": ["", "a"],
    "character varying": TEXTS,
    "regclass": ["pg_class", "0"], "regtype": ["integer", "0"], "regproc": ["now", "0"],
    "regprocedure": ["now()", "0"], "regoper": ["0"], "regoperator": ["0"], "regrole": ["postgres", "0"],
    "regnamespace": ["pg_catalog", "0"], "regconfig": ["english"], "regdictionary": ["simple"],
    "regcollation": ['"C"', "0"], "regdatabase": ["postgres", "0"],
    "aclitem": ["postgres=r/postgres"],
    "gtsvector": [],  # no input
    "int4range": ["empty", "[1,5)", "(,)", "(,5]"],
    "int8range": ["empty", "[1,5)"],
    "numrange": ["[1.50,2.0]", "(,)", "empty"],
    "daterange": ["[2026-01-01,infinity)", "empty"],
    "tsrange": ['["2026-01-01 00:00:00","2026-01-02 00:00:00")'],
    "tstzrange": ['["2026-01-01 00:00:00+02",)'],
    "int4multirange": ["{}", "{[1,3),[5,8)}"],
    "hstore": ["", '"a"=>"1", "b c"=>NULL, "q\\"\\\\"=>"{,}"', '""=>""', '"a"=>"NULL"'],
    "citext": TEXTS,
    "ltree": ["", "Top.Science"],
    "cube": ["(1,2),(3,4)"],
    "mood": ["sad", 'it\'s "ok"', "ü€😀"],
    "other.mood": ["fine"],
    "positive": ["1.50", "Infinity"],
    "even_more": ["2"],
    "pair": ["(,)", '(1,"x,""y\\\\")', '(,"")', '(-1,"(a)")'],
    "nest": ["(,,,,)", '("(1,\\"a b\\")","{""(1,x)"",""(,)""}",1.0,"{""a"": 1}",sad)', "(,,,null,)"],
    "float_range": ["[-0,1e20)"],
    "texts": ["{}", '{a,NULL,"NULL","",{}}'.replace(",{}", "")],
    "empty_row": ["()"],
}  # fmt: skip

# What the server refuses to read or to keep in a table.
NO_VALUES = {"gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list",
             "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary"}  # fmt: skip

SELECT_TYPES = """
select t.oid::regtype::text, a.oid::regtype::text
from pg_type t left join pg_type a on a.oid = t.typarray
where t.typtype in ('b', 'r', 'm', 'e', 'd', 'c') and t.typcategory <> 'A'
  and (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
  and t.typnamespace not in ('information_schema'::regnamespace, 'pg_toast'::regnamespace)
  and t.typisdefined and not (t.typtype = 'c' and t.typnamespace = 'pg_catalog'::regnamespace)
order by t.oid"""


def arrays_of(samples: list[str]) -> list[str]:
    """Arrays of these: one dimension with NULL, shifted bounds, two dimensions, empty."""
    short = [text for text in samples if len(text) < 5000][:4]
    if not short:
        return ["{}"]
    items = ["".join(('"', text.replace("\\", "\\\\").replace('"', '\\"'), '"')) for text in short]
    first = items[0]
    return ["{}", "{NULL}", "{" + ",".join(items) + "}", f"[2:3]={{{first},NULL}}", f"[0:0]={{{first}}}",
            f"{{{{{first},{first}}},{{{first},NULL}}}}"]  # fmt: skip


class Types:
    """One table a type, with one row a value, and the server's own words on each."""

    def __init__(self, database: Database, skew: str = "") -> None:
        self.database, self.skew = database, skew
        self.tables: dict[str, str] = {}  # table -> type

    def create(self) -> None:
        for extension in EXTENSIONS:
            self.database.sql(f'create extension if not exists "{extension}"')
        self.database.sql(OWN_TYPES)
        for name, array in self.database.sql(SELECT_TYPES):
            for number, kind in enumerate([name, array]):
                if kind is None or name in NO_VALUES:
                    continue
                if kind.strip('"') in ("gbtreekey4", "ghstore", "ltree_gist", "query_int", "intbig_gkey"):
                    continue
                table = f"t{len(self.tables)}_{number}"
                self.database.sql(f"create table {table} (id int primary key, v {kind}, k {kind})")
                self.tables[table] = kind

    def samples(self, kind: str) -> list[str]:
        if kind.endswith("[]"):
            element = self.samples(kind[:-2])
            return arrays_of(element)
        return SAMPLES.get(kind, [])

    def fill(self, connection: psycopg.Connection[Any]) -> int:
        """Each value by its text; what the type does not read is left out. Tells how many went in."""
        count = 0
        for table, kind in self.tables.items():
            for number, text in enumerate([None, *self.samples(kind)]):
                values = (number, text)
                try:
                    with connection.transaction():
                        connection.execute(
                            sql.SQL("insert into {} (id, v) values ({}, {}::{})").format(
                                sql.Identifier(table), number, text, sql.SQL(kind)
                            )
                        )
                    count += 1
                except psycopg.Error as error:
                    if text is not None and not text.startswith(("{", "[")):
                        raise AssertionError(f"{kind} does not read {values}: {error}") from None
        return count


SAID_BY_THE_SERVER = (
    "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex "
    "-c lc_monetary=C -c search_path=pg_catalog"
)
Said = dict[str, tuple[str, str | None]]


def said_by_the_server(connection: psycopg.Connection[Any], table: str) -> Said:
    """By id: the value as JSON, and its text. What to_jsonb cannot take is its text."""
    said: Said = {}
    select = f"select id::text, v::text from public.{table}"
    for number, text in connection.execute(select.encode()).fetchall():
        select = f"select (to_jsonb(t) -> 'v')::text from public.{table} t where id = {number}"
        try:
            [(value,)] = connection.execute(select.encode()).fetchall()
        except psycopg.errors.DataError:
            value = json.dumps(text, ensure_ascii=False)
        said[number] = (value, text)
    return said


def in_the_history(connection: psycopg.Connection[Any], table: str) -> Said:
    """By id: the value as JSON, and its text had back."""
    select = f"""
        select primary_key, (after -> 'v')::text, (bemi.restore(null::public.{table}, after, exact -> 'after')).v::text
        from public.changes where "table" = '{table}' and operation = 'CREATE'"""
    return {key: (value, text) for key, value, text in connection.execute(select.encode()).fetchall()}


def check(database: Database, tables: dict[str, str]) -> None:
    wrong = []
    with psycopg.connect(database.url, options=SAID_BY_THE_SERVER, autocommit=True) as connection:
        for table, kind in tables.items():
            said = said_by_the_server(connection, table)
            try:
                got = in_the_history(connection, table)
            except psycopg.Error as error:
                wrong.append((kind, "restore", str(error)))
                continue
            for number in said.keys() | got.keys():
                if (a := said.get(number)) != (b := got.get(number)):
                    wrong.append((kind, str(a)[:200], str(b)[:200]))
    assert wrong == [], "\n" + "\n".join(map(str, wrong[:60])) + f"\n{len(wrong)} wrong"


# Settings of the database and of the role under which a value's text would be another one.
SKEW = {
    "DateStyle": "'SQL, DMY'",
    "IntervalStyle": "'sql_standard'",
    "TimeZone": "'Asia/Kolkata'",
    "bytea_output": "'escape'",
    "extra_float_digits": "-5",
    "search_path": "public, other",
    "quote_all_identifiers": "on",
    "xmlbinary": "'hex'",
    "array_nulls": "on",
    "backslash_quote": "on",
}


def skew(database: Database) -> None:
    for name, value in SKEW.items():
        database.sql(f'alter database "{database.name}" set {name} = {value}')


@every_major
def test_every_type(database: Database, start_worker: StartWorker) -> None:
    skew(database)
    types = Types(database)
    types.create()
    start_worker().wait_ready()
    with psycopg.connect(database.url, autocommit=True) as connection:
        count = types.fill(connection)
    assert count > 450
    sync(database.url)
    check(database, types.tables)


HOSTILE = ["", " ", "\t", "\n", "\\", '"', "'", "{", "}", ",", "(", ")", "NULL", "null", "a", "Z", "0", "-", "é", "😀",
           "\u2028", "\x01", "=>", "[", "]", ":", "\\N", "\\.", "%", "$1"]  # fmt: skip


def random_text(rng: random.Random) -> str:
    return "".join(rng.choice(HOSTILE) for _ in range(rng.randrange(8)))


def random_json(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, -1, 2**53 + 1, 10**30, 1.5, 1e-7])
    if kind < 5:
        return random_text(rng)
    if kind == 5:
        return [random_json(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {random_text(rng): random_json(rng, depth + 1) for _ in range(rng.randrange(4))}


def random_array(rng: random.Random) -> Any:
    items = [rng.choice([None, random_text(rng)]) for _ in range(rng.randrange(1, 4))]
    return [items, [*items]] if rng.random() < 0.3 else items


@every_major
def test_random_values(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    rng = random.Random(seed)
    skew(database)
    database.sql("create extension hstore with schema public; create type public.pair as (a text, b json)")
    columns = {"t": "text", "b": "bytea", "ts": "text[]", "j": "json", "jb": "jsonb", "h": "public.hstore",
               "p": "public.pair", "ps": "public.pair[]", "n": "numeric", "f": "float8", "js": "jsonb[]"}  # fmt: skip
    tables = {f"public.r_{name}": kind for name, kind in columns.items()}
    for table, kind in tables.items():
        database.sql(f"create table {table} (id int primary key, v {kind})")
    start_worker().wait_ready()
    with psycopg.connect(database.url) as connection:
        for number in range(150):
            text, array, value = random_text(rng), random_array(rng), random_json(rng)
            spaced = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
            pair = "row(%(text)s, %(json)s)::public.pair"
            values = {
                "t": "%(text)s", "b": "convert_to(%(text)s, 'UTF8')", "ts": "%(array)s::text[]", "j": "%(json)s::json",
                "jb": "%(json)s::jsonb", "h": "public.hstore(%(text)s, nullif(%(json)s, 'null'))", "p": pair,
                "ps": f"array[{pair}, null, row(null, null)::public.pair]", "n": "%(digits)s::numeric",
                "f": "%(float)s::float8", "js": "array[%(json)s, null]::jsonb[]",
            }  # fmt: skip
            digits = f"{rng.randrange(10**40)}.{'0' * rng.randrange(3)}{rng.randrange(10**5)}"
            params = {"text": text, "array": array, "json": spaced, "digits": digits,
                      "float": rng.choice([rng.random() * 10 ** rng.randrange(-300, 300), -0.0])}  # fmt: skip
            for name, expression in values.items():
                insert = f"insert into public.r_{name} values ({number}, {expression})"
                connection.execute(insert.encode(), params)
    sync(database.url)
    check(database, {table.removeprefix("public."): kind for table, kind in tables.items()})


@every_major
def test_wide_rows_and_large_values(database: Database, start_worker: StartWorker) -> None:
    columns = ", ".join(f"c{number} int" for number in range(1599))
    database.sql(f"create table wide (id int primary key, {columns})")
    database.sql('create table "Größe ""x"".y" ("Schlüssel \'" int primary key, "select" text, "a""b" text)')
    database.sql("create table nothing ()")
    database.sql("create table large (id int primary key, body text)")
    worker = start_worker().wait_ready()
    database.sql("insert into wide (id, c0, c1598) values (1, 7, 8)")
    database.sql("""insert into "Größe ""x"".y" values (1, 'é', '"')""")
    database.sql("insert into nothing default values; delete from nothing")
    megabytes = 100
    database.sql("insert into large values (1, repeat('0123456789', %s))", megabytes * 100_000)
    sync(database.url)
    [[wide]] = database.sql("select after from changes where \"table\" = 'wide'")
    assert len(wide) == 1600 and (wide["id"], wide["c0"], wide["c1"], wide["c1598"]) == (1, 7, None, 8)
    assert database.sql("select primary_key, after from changes where \"table\" ~ 'x'") == [
        ("1", {"Schlüssel '": 1, "select": "é", 'a"b': '"'})
    ]
    select = "select operation, before, after from changes where \"table\" = 'nothing'"
    assert database.sql(f"{select} order by sequence, commit_position") == [
        ("CREATE", {}, {}), ("DELETE", {}, {})]  # fmt: skip
    assert database.sql(
        "select after ->> 'body' = (select body from large) from changes where \"table\" = 'large'"
    ) == [(True,)]
    assert worker.rss_peak_kb() < (128 + 3 * megabytes) * 1024
