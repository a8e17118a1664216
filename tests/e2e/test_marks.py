"""Marks: back to a named state and forward again, judged by pg_dump alone."""

from __future__ import annotations

import json
import os
import random
import subprocess
from contextlib import closing

import psycopg
import pytest

from e2e.oracle import sync
from e2e.undo import Undo
from support.bemi import bemi
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])

PG_DUMP_MAJOR = int(subprocess.check_output(["pg_dump", "--version"], text=True).split()[2].split(".")[0])

SCHEMA = """
create table account (id serial primary key, email text unique, balance numeric not null default 0);
create table entry (id bigint generated always as identity primary key, account int not null references
  account on delete cascade,
  amount numeric, note json, at timestamptz default now());
create table tag (name text, weight int);
create table part (k int, day int, v text, primary key (k, day)) partition by range (day);
create table part_1 partition of part for values from (0) to (10);
create table part_2 partition of part for values from (10) to (20);
create sequence loose_numbers;
create function touch() returns trigger language plpgsql as $$ begin new.balance := round(new.balance,
  2); return new; end $$;
create trigger touch before insert or update on account for each row execute function touch();
create function log_it() returns trigger language plpgsql as $$ begin insert into tag values ('log',
  new.id); return null; end $$;
create trigger log_it after insert on account for each row execute function log_it();
"""


def dump(database: Database) -> list[str]:
    """The data as pg_dump says it, each table's rows sorted."""
    if database.server.major > PG_DUMP_MAJOR:
        return copied(database)
    done = subprocess.run(
        [
            "pg_dump",
            "--data-only",
            "--exclude-schema=_bemi*",
            "--exclude-table=changes*",
            "--dbname",
            database.url,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    blocks: list[str] = []
    rows: list[str] | None = None
    for line in done.stdout.splitlines():
        if line.startswith("COPY "):
            rows = [line]
        elif rows is not None and line == "\\.":
            blocks.append("\n".join([rows[0], *sorted(rows[1:])]))
            rows = None
        elif rows is not None:
            rows.append(line)
        elif line.startswith("SELECT pg_catalog.setval"):
            blocks.append(line)
    return sorted(blocks)


def difference(now: list[str], then: list[str]) -> list[tuple[str, set[str], set[str]]]:
    """By table: the lines that should not be there, and those that should."""
    pairs = [(set(a.split("\n")), set(b.split("\n"))) for a, b in zip(now, then, strict=True) if a != b]
    return [
        (b.split("\n")[0], a - c, c - a)
        for (a, c), b in zip(pairs, (b for a, b in zip(now, then, strict=True) if a != b), strict=True)
    ]


def copied(database: Database) -> list[str]:
    """The same from a server that is newer than our pg_dump: by COPY, as it does."""
    relations = database.sql(
        "select c.oid::regclass::text, c.relkind = 'S' from pg_class c join pg_namespace n on "
        "n.oid = c.relnamespace"
        " where n.nspname !~ '^(_bemi|bemi$|pg_|information_schema$)'"
        " and c.relkind in ('r', 'S') and c.relname !~ '^changes'"
    )
    blocks = []
    with psycopg.connect(database.url) as connection:
        for name, is_sequence in relations:
            columns = "last_value, is_called" if is_sequence else "*"
            with connection.cursor().copy(f"copy (select {columns} from {name}) to stdout".encode()) as copy:
                lines = b"".join(bytes(part) for part in copy).decode().splitlines()
            blocks.append("\n".join([name, *sorted(lines)]))
    return sorted(blocks)


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    database.sql(SCHEMA)
    database.sql("insert into account (email) select 'u' || i from generate_series(1, 20) i")
    database.sql("insert into entry (account, amount) select 1 + i % 20, i from generate_series(1, 50) i")
    database.sql("insert into part select i, i % 20, 'p' from generate_series(1, 40) i")
    start_worker().wait_ready()
    return Undo(database)


def mark(undo: Undo, *flags: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return bemi("mark", *flags, env={"BEMI_SOURCE_URL": undo.database.url}, check=check)


def work(database: Database, seed: int, transactions: int = 120) -> None:
    chance = random.Random(seed)
    statements = [
        "insert into account (email, balance) values ('n{r}', {n}.129) on conflict do nothing",
        "update account set balance = balance + {n} where id = {n}",
        "update account set email = 'e{r}' where id = {n}",
        "delete from account where id = {n}",
        "update account set id = id + 1000 where id = {n} and not exists (select from entry where "
        "account = {n})",
        "insert into entry (account, amount, note) select id, {n}, 'null' from account limit 3",
        "delete from entry where id % 7 = {n} % 7",
        "insert into tag values ('t{n}', {n}), ('t{n}', {n}), (null, {n})",
        "update tag set weight = weight + 1 where weight = {n}",
        "delete from tag where ctid in (select ctid from tag limit 1)",
        "update part set day = (day + 7) % 20, v = 'q{n}' where k = {n}",
        "insert into part values ({n} + {r}, {n} % 20, null) on conflict do nothing",
        "delete from part where k = {n}",
        "select nextval('loose_numbers')",
        "truncate tag",
        "truncate account restart identity cascade",
    ]
    weights = [10] * (len(statements) - 2) + [2, 1]
    with closing(psycopg.connect(database.url, autocommit=True)) as connection:
        for _ in range(transactions):
            with connection.transaction():
                for statement in chance.choices(statements, weights, k=3):
                    n, r = chance.randint(1, 30), chance.randint(1, 10**6)
                    try:
                        with connection.transaction():
                            connection.execute(statement.format(n=n, r=r).encode())
                    except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
                        pass


@oldest_and_newest
@pytest.mark.parametrize("round_", range(int(os.environ.get("BEMI_TEST_ROUNDS", "2"))))
def test_rollback_and_forward_are_exact_to_the_letter(undo: Undo, round_: int) -> None:
    seed = printed_seed() + round_ * 10
    mark(undo, "create", "fresh")
    fresh = dump(undo.database)
    for again in range(2):
        work(undo.database, seed + again)
        worked = dump(undo.database)
        assert worked != fresh
        mark(undo, "rollback", "fresh")
        assert difference(dump(undo.database), fresh) == []
        mark(undo, "forward", "fresh")
        assert difference(dump(undo.database), worked) == []
        mark(undo, "rollback", "fresh")
        assert difference(dump(undo.database), fresh) == []


def test_marks_can_be_nested_listed_protected_and_deleted(undo: Undo) -> None:
    mark(undo, "create", "a", "--comment", "the first")
    undo.database.sql("insert into tag values ('x', 1)")
    mark(undo, "create", "b", "--protect")
    b = dump(undo.database)
    undo.database.sql("delete from tag; insert into account (email) values ('z')")
    after_b = dump(undo.database)
    sync(undo.database.url)
    listed = [json.loads(line) for line in mark(undo, "list", "--format", "json").stdout.splitlines()]
    assert [(row["name"], row["changes_since"], row["protected"]) for row in listed] == [
        ("a", 24, "no"),
        ("b", 23, "yes"),
    ]
    assert "public.tag: " in listed[0]["tables"]
    refused = mark(undo, "rollback", "a", check=False)
    assert refused.returncode == 1 and "b is protected" in refused.stderr
    assert "protected" in mark(undo, "delete", "b", check=False).stderr
    mark(undo, "rollback", "b")
    assert dump(undo.database) == b
    mark(undo, "forward", "b")
    assert dump(undo.database) == after_b
    mark(undo, "rollback", "a", "--force")
    mark(undo, "rollback", "b", "--force")
    assert dump(undo.database) == b, "history knows the way back to a later mark too"
    assert mark(undo, "delete", "b", "--force").stdout == "Deleted the mark b.\n"
    assert "no mark b" in mark(undo, "rollback", "b", check=False).stderr
    assert "already" in mark(undo, "create", "a", check=False).stderr


def test_tables_that_a_mark_does_not_cover_are_named(undo: Undo) -> None:
    undo.database.sql("create unlogged table scratch (n int)")
    assert "public.scratch" in mark(undo, "create", "m").stderr


def test_copies_of_the_past_and_the_history_are_no_tables_of_the_application(undo: Undo) -> None:
    undo.database.sql("insert into tag values ('a', 1)")
    sync(undo.database.url)
    [[now]] = undo.database.sql("select clock_timestamp()::text")
    sync(undo.database.url)
    bemi("checkout", "--at", now, "--into", "copied", env={"BEMI_SOURCE_URL": undo.database.url})
    assert mark(undo, "create", "m").stderr == ""


def test_a_mark_works_without_a_superuser_and_leaves_triggers_as_they_were(undo: Undo) -> None:
    undo.database.sql("create role app login")
    try:
        undo.database.sql(
            "do $$ declare t text; begin foreach t in array array['account', 'entry', 'tag', "
            "'part', 'part_1', 'part_2'] loop"
            " execute format('alter table %I owner to app', t); end loop; end $$;"
            "alter table account enable always trigger touch;"
            "grant usage, update, select on all sequences in schema public to app;"
            "alter sequence loose_numbers owner to app"
        )
        mark(undo, "create", "m")
        before = dump(undo.database)
        work(undo.database, 1, 20)
        url = undo.database.server.url(undo.database.name, user="app")
        env = {"BEMI_SOURCE_URL": undo.database.url, "BEMI_REVERT_URL": url}
        bemi("mark", "rollback", "m", env=env)
        assert dump(undo.database) == before
        states = undo.database.sql(
            "select tgname, tgenabled from pg_trigger where not tgisinternal order by 1"
        )
        assert ("touch", "A") in states and ("log_it", "O") in states
        sync(undo.database.url)
        assert undo.database.sql(
            "select count(*) from changes where operation = 'SCHEMA' and after ->> 'command' = "
            "'ALTER TABLE' and effective_at > (select effective_at from _bemi.mark)"
        ) == [(0,)]
    finally:
        undo.database.sql("reassign owned by app to postgres; drop owned by app; drop role app")


def test_missing_rights_of_the_role_are_reported(undo: Undo) -> None:
    undo.database.sql("create role app login")
    try:
        undo.database.sql(
            "grant all on all tables in schema public to app;"
            "grant select on all sequences in schema public to app"
        )
        mark(undo, "create", "m")
        undo.database.sql(
            "select nextval('loose_numbers'); update account set balance = balance + 1 where id = 1"
        )
        url = undo.database.server.url(undo.database.name, user="app")
        env = {"BEMI_SOURCE_URL": undo.database.url, "BEMI_REVERT_URL": url}
        said = bemi("mark", "rollback", "m", env=env).stdout
        assert "the sequence public.loose_numbers stays as it is" in said
        assert "trigger touch fires" in said
        assert undo.database.sql("select balance from account where id = 1") == [(0,)]
        bemi("mark", "forward", "m", env=env)
        assert undo.database.sql("select balance from account where id = 1") == [(1,)]
    finally:
        undo.database.sql("drop owned by app; drop role app")


def test_a_table_that_came_and_went_since_is_no_obstacle(undo: Undo) -> None:
    before = dump(undo.database)
    mark(undo, "create", "m")
    undo.database.sql(
        "create table work (n int); insert into work values (1)",
    )
    undo.database.sql("drop table work; delete from tag; create table other (id int primary key)")
    undo.database.sql("insert into other values (1); update part set v = 'x'; drop table entry")
    refused = mark(undo, "rollback", "m", check=False)
    assert refused.returncode == 0 and "not undone" in refused.stdout and "public.entry" in refused.stdout
    undo.database.sql("drop table other")
    assert [block for block in before if "entry" not in block] == dump(undo.database)
