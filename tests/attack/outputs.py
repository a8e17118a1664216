"""Everything that Bemi stores or says, found by what is there and not by a list: a new table, view or address is looked
at by itself; a new function or command makes a test fail for want of a sample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg
from e2e.api import DESCRIPTION
from psycopg import sql

from support.bemi import bemi
from support.dashboard import Dashboard
from support.fixtures import Database

Said = tuple[str, str]
OWN = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
OF_BEMI = "n.nspname ~ '^(_bemi|bemi|time_travel)'"


def stored(database: Database, where: str = OWN) -> Iterator[Said]:
    """The rows of every table and view, with bytes as the text that they may hold."""
    relations = database.sql(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        f"where c.relkind in ('r', 'm', 'v') and {where}"
    )
    assert relations
    with psycopg.connect(database.url, autocommit=True) as connection:
        for (relation,) in relations:
            # A view of the past may refuse a moment, or rows that are not whole.
            rows = answers(connection, f"select to_jsonb(t)::text from {relation} t")
            yield from ((str(relation), text) for text in rows)
            columns = connection.execute(
                "select quote_ident(attname) from pg_attribute "
                "where attrelid = %s::regclass and atttypid = 'bytea'::regtype",
                (relation,),
            ).fetchall()
            for (column,) in columns:
                text = f"select coalesce(encode({column}, 'escape'), '') from {relation}"
                yield from ((str(relation), row) for row in answers(connection, text))


def answers(connection: psycopg.Connection[tuple[str, ...]], statement: str | sql.Composed) -> list[str]:
    """What comes, or why nothing does."""
    query = statement.encode() if isinstance(statement, str) else statement
    try:
        return [str(row[0]) for row in connection.execute(query)]
    except psycopg.Error as error:
        shown = error.diag
        return [f"{error} {shown.message_detail} {shown.message_hint} {shown.context}"]


@dataclass(frozen=True)
class Moments:
    then: str
    later: str


def functions(database: Database, moments: Moments, table: str, key: str) -> Iterator[Said]:
    """What each function of the schema bemi answers. Of what may be left out, only what narrows is given."""
    samples: Mapping[str, str] = {
        "name": table,
        "table_name": table,
        "key": key,
        "at": moments.then,
        "from_time": moments.then,
        "to_time": moments.later,
        "said": moments.then,
        "partial": "true",
        "allow_stale": "true",
        "row": '{"id": 4}',
    }
    found = database.sql(
        "select p.proname::text, p.oid::regprocedure::text, p.proargnames[:p.pronargs], "
        "p.pronargs - p.pronargdefaults, array(select format_type(t, null) from unnest(p.proargtypes) t) "
        "from pg_proc p where p.pronamespace = 'bemi'::regnamespace and p.prokind = 'f' order by 2"
    )
    assert len(found) >= 14
    database.sql("create table public.shape_of_rows (id int, name text, token text, home text)")
    with psycopg.connect(database.url, autocommit=True) as connection:
        for name, signature, arguments, needed, types in found:
            given: list[sql.Composable] = []
            for place, (argument, type_name) in enumerate(zip(arguments, types, strict=True)):
                if argument == "name" and place >= needed:
                    continue
                if type_name == "anyelement":
                    value: sql.Composable = sql.SQL("null::public.shape_of_rows")
                elif argument in samples:
                    value = sql.Literal(samples[argument])
                else:
                    assert place >= needed, f"{signature}: there is no sample of {argument}"
                    continue
                given.append(sql.SQL("{} => {}").format(sql.Identifier(argument), value))
            call = sql.SQL("select to_jsonb(f)::text from bemi.{}({}) f").format(
                sql.Identifier(name), sql.SQL(", ").join(given)
            )
            yield from ((signature, text) for text in answers(connection, call))
    database.sql("drop table public.shape_of_rows")


def addresses(
    dashboard: Dashboard, samples: Mapping[str, object], bodies: Mapping[str, object]
) -> Iterator[Said]:
    """What is answered at every address but the stream, which does not end, and by every method that takes nothing
    away. A body that is not given is an empty one: the refusal is an answer too."""
    [newest, *_] = dashboard.changes()
    for template, methods in DESCRIPTION["paths"].items():
        path = template.replace("{id}", newest["id"])
        if template == "/api/stream" or "{" in path:
            continue
        for method, operation in methods.items():
            known = {name_of(one): one.get("required", False) for one in operation.get("parameters", [])}
            lacking = {name for name, needed in known.items() if needed and name not in samples} - {"id"}
            assert not lacking, (template, lacking)
            if method == "get":
                asked = {name: str(value) for name, value in samples.items() if name in known}
                answer = dashboard.client.get(path, params=asked)
            elif method == "post":
                answer = dashboard.client.post(path, json=bodies.get(path, {}))
            else:
                continue
            yield f"{method.upper()} {template} {answer.status_code}", answer.text + str(answer.headers)


def name_of(parameter: dict[str, str]) -> str:
    if "$ref" in parameter:
        shared = DESCRIPTION["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        return str(shared["name"])
    return parameter["name"]


def commands(env: Mapping[str, str], samples: Mapping[str, list[list[str]]]) -> Iterator[Said]:
    """What each command says, with what it is to be run with; [] for one that is run elsewhere."""
    listed = re.findall(r"^  ([a-z-]+)  ", bemi("--help").stdout.partition("Subcommands:")[2], re.MULTILINE)
    assert set(listed) == set(samples)
    for command in listed:
        for arguments in samples[command]:
            done = bemi(command, *arguments, env=env, check=False)
            yield f"bemi {' '.join([command, *arguments])}", done.stdout + done.stderr
