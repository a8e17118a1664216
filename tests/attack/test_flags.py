"""A command acts on what its flags say: flags, then the environment, then bemi.toml, for each setting of
each command. What is tried is read from the program's own help, so that a new flag is tried too."""

from __future__ import annotations

import functools
import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.oracle import sync

from support.bemi import bemi, binary
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import Server

# What a command demands besides; a new one that demands something is named here.
DEMANDED = {
    "history": ["t", "1"],
    "blame": ["t", "1"],
    "as-of": ["now", "t"],
    "diff": ["t", "now", "now"],
    "checkout": ["--at", "now", "--into", "there"],
    "archive list": ["/tmp"],
    "archive restore": ["/dev/null"],
    "archive drop": ["changes_2026_01"],
    "mark create": ["m"],
    "mark rollback": ["m"],
    "mark forward": ["m"],
    "mark delete": ["m"],
    "source pause": ["s"],
    "source resume": ["s"],
    "source remove": ["s"],
}

# By a setting's name: what a flag, a variable and the file say, where not any word will do.
SAID: dict[str, tuple[str, str, str]] = {
    "replica-identity": ("full", "keep", "keep"),
    "partition": ("day", "week", "day"),
    "snapshot": ("none", "initial", "auto"),
    "snapshot-limit": ("1", "2", "3"),
    "heartbeat-interval": ("11", "12", "13"),
    "store-connections": ("3", "4", "5"),
    "spool-directory": ("/", "/usr", "/etc"),
    "archive": ("/", "/usr", "/etc"),
    "log-format": ("text", "json", "text"),
    "port": ("7001", "7002", "7003"),
}
SWITCHES = {"verbose", "no-event-trigger"}
# Where a history is made excludes where it is; each is tried by itself.
ALONE = {"provision"}


def commands(*path: str) -> Iterator[str]:
    """Each verb that does something, by the program's own help."""
    text = bemi(*path, "--help").stdout
    listed = text.partition("Subcommands:")[2].partition("\n\n")[0]
    names = re.findall(r"^  ([a-z][a-z-]*) ", listed, flags=re.MULTILINE)
    if not names:
        yield " ".join(path)
    for name in names:
        yield from commands(*path, name)


@functools.cache
def variables(command: str) -> dict[str, str]:
    """The settings of a command and their variables, by its help."""
    text = bemi(*command.split(), "--help").stdout
    return dict(re.findall(r"^ +--([a-z-]+)\b.*?\(Env:([A-Z_]+)\)", text, flags=re.MULTILINE))


def said(setting: str, variable: str) -> tuple[str, str, str]:
    if setting in SAID:
        return SAID[setting]
    if variable.endswith("_URL"):
        return ("dbname=by_flag", "dbname=by_variable", "dbname=by_file")
    return ("by_flag", "by_variable", "by_file")


def settings(command: str, *flags: str, env: dict[str, str], cwd: Path) -> dict[str, dict[str, Any]]:
    """As the command itself has them."""
    words = [*command.split(), *DEMANDED.get(command, []), *flags, "--print-settings"]
    lines = bemi(*words, env=env, cwd=cwd).stdout.splitlines()
    return {line["setting"]: line for line in map(json.loads, lines)}


def shown(setting: str, value: str) -> str:
    if setting in ("http-token", "context-key"):
        return "***"
    return value.replace("dbname=", "dbname='") + "'" if value.startswith("dbname=") else value


def as_flags(values: dict[str, str]) -> list[str]:
    flags = []
    for setting, value in values.items():
        flags += [f"--{setting}"] if setting in SWITCHES else [f"--{setting}", value]
    return flags


def check(found: dict[str, dict[str, Any]], wanted: dict[str, str], origin: str) -> None:
    for setting, value in wanted.items():
        line = found[setting]
        assert line["from"] == origin, line
        if setting in SWITCHES:
            assert line["value"] == value, line
        else:
            assert line["value"].strip("[]") == shown(setting, value), line


def test_the_program_lists_its_commands_and_settings() -> None:
    """That the enumeration below sees them: a test of nothing proves nothing."""
    found = list(commands())
    assert len(found) >= 25 and {"teardown", "mark rollback", "archive restore", "source add"} <= set(found)
    assert sum(len(variables(command)) for command in found) >= 200
    assert variables("teardown")["source"] == "BEMI_SOURCE_URL"
    assert variables("run")["exclude"] == "BEMI_EXCLUDE"


@pytest.mark.parametrize("command", list(commands()))
def test_a_flag_speaks_before_the_environment_and_that_before_the_file(command: str, tmp_path: Path) -> None:
    tried = {setting: name for setting, name in variables(command).items() if setting not in ALONE}
    if not tried:
        assert command == "help" or command, "it has none"
        return
    by_flag, by_variable, by_file = (
        {
            setting: ("true" if setting in SWITCHES else said(setting, name)[place])
            for setting, name in tried.items()
        }
        for place in range(3)
    )
    env = {tried[setting]: value for setting, value in by_variable.items()}
    lines = [
        f"{setting} = {value if setting in SWITCHES else json.dumps(value)}"
        for setting, value in by_file.items()
    ]
    before = settings(command, env={}, cwd=tmp_path)
    assert {line["from"] for line in before.values()} == {"default"}
    (tmp_path / "bemi.toml").write_text("\n".join(lines) + "\n")
    check(settings(command, env={}, cwd=tmp_path), by_file, "file")
    check(settings(command, env=env, cwd=tmp_path), by_variable, "environment")
    check(settings(command, *as_flags(by_flag), env=env, cwd=tmp_path), by_flag, "flag")
    for remainder in (0, 1):  # half of them, each between two of the other half
        flags = {
            name: value for number, (name, value) in enumerate(by_flag.items()) if number % 2 == remainder
        }
        found = settings(command, *as_flags(flags), env=env, cwd=tmp_path)
        check(found, flags, "flag")
        check(found, {name: value for name, value in by_variable.items() if name not in flags}, "environment")


def test_a_higher_list_replaces_a_lower_one(tmp_path: Path) -> None:
    (tmp_path / "bemi.toml").write_text('exclude = ["public.a", "public.b"]\nredact-column = ["a.b.c"]\n')
    env = {"BEMI_EXCLUDE": "public.c,public.d", "BEMI_REDACT_COLUMN": "d.e.f,g.h.i"}

    def lists(*flags: str, env: dict[str, str]) -> tuple[str, str]:
        found = settings("run", *flags, env=env, cwd=tmp_path)
        return found["exclude"]["value"], found["redact-column"]["value"]

    assert lists(env={}) == ("[public.a,public.b]", "a.b.c") or lists(env={}) == (
        "[public.a,public.b]",
        "[a.b.c]",
    )
    assert lists(env=env) == ("[public.c,public.d]", "[d.e.f,g.h.i]")
    assert lists("--exclude", "public.e", env=env)[0].strip("[]") == "public.e"
    assert lists("--exclude", "x", "--exclude", "y", env=env)[0] == "[x,y]"
    assert lists("--redact-column", "j.k.l", env=env)[1].strip("[]") == "j.k.l"


@oldest_and_newest
def test_every_command_acts_on_the_database_of_its_flag(
    database: Database, server: Server, tmp_path: Path
) -> None:
    """Not by what the program says of itself: by what it does to two databases."""
    name = f"{database.name}_other"
    other = server.create_database(name)
    try:
        for dbname in (database.name, name):
            server.sql("create table item (id int primary key)", dbname=dbname)
        here = ("--source", database.url)
        env = {"BEMI_SOURCE_URL": other, "BEMI_DESTINATION_URL": other, "BEMI_ADMIN_URL": other}
        (tmp_path / "bemi.toml").write_text(
            f'source = "{other}"\ndestination = "{other}"\nadmin = "{other}"\n'
        )
        both = (*here, "--destination", database.url, "--admin", database.url)
        bemi("init", *both, env=env, cwd=tmp_path)
        tables = "select count(*) from pg_class where relname = 'changes'"
        assert database.sql(tables) == [(1,)] and server.sql(tables, dbname=name) == [(0,)]
        said = bemi("check", *both, env=env, cwd=tmp_path, check=False).stdout
        assert f"source {database.name} at" in said and name not in said
        bemi("init", "--source", other, "--destination", other, "--admin", other)
        done = bemi("teardown", "--yes", *here, "--admin", database.url, "--destination", database.url,
                    env=env, cwd=tmp_path)  # fmt: skip
        assert f"{database.name} at" in done.stderr and f"{name} at" not in done.stderr
        assert database.sql(tables) == [(0,)] and server.sql(tables, dbname=name) == [(1,)]
        publications = "select count(*) from pg_publication"
        assert database.sql(publications) == [(0,)] and server.sql(publications, dbname=name) == [(1,)]
        for command in (["changes"], ["trends"], ["transactions"], ["status"], ["history", "item", "1"]):
            refused = bemi(*command, *both[:4], env=env, cwd=tmp_path, check=False)
            assert refused.returncode != 0 and re.search("no history|does not exist", refused.stderr), refused
        nowhere = "postgresql://x@127.0.0.1:1/x"
        assert bemi("changes", "--destination", nowhere, env=env, check=False).returncode == 1
    finally:
        server.drop_database(name)


@oldest_and_newest
def test_tables_and_schemas_are_those_of_the_flags(database: Database) -> None:
    database.sql("create table patient (id int primary key); create table appointment (id int primary key)")
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_SCHEMA": "envschema", "BEMI_EXCLUDE": "public.patient"}
    plan = bemi(
        "init", "--dry-run", "--schema", "flagschema", "--exclude", "public.appointment", env=env
    ).stdout
    assert "flagschema" in plan and "envschema" not in plan
    assert "publish public.patient" in plan and "publish public.appointment" not in plan


@oldest_and_newest
def test_teardown_leaves_the_history_unless_a_flag_says_so(database: Database) -> None:
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": database.url}
    bemi("init", env=env)
    bemi("teardown", "--yes", env=env)
    assert database.sql("select to_regclass('changes') is not null") == [(True,)], "a variable is no wish"
    bemi("init", env=env)
    done = bemi("teardown", "--yes", "--destination", env=env)
    assert database.sql("select to_regclass('changes') is not null") == [(False,)]
    place = f"{database.name} at"
    assert f"bemi teardown: {place}" in done.stderr and f"bemi teardown --destination: {place}" in done.stderr


@oldest_and_newest
def test_a_destructive_command_names_its_database(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, name text)")
    start_worker().wait_ready()
    database.sql("insert into item values (1, 'a')")
    sync(database.url)
    place = rf"{database.name} at \S+:\d+"
    env = {"BEMI_SOURCE_URL": database.url}
    bemi("mark", "create", "m", env=env)
    for command in (
        ["revert", "--table", "item", "--apply"],
        ["mark", "rollback", "m"],
        ["mark", "forward", "m"],
        ["mark", "delete", "m"],
        ["archive", "drop", "changes_1999_01"],
        ["archive", "restore", "/dev/null"],
        ["maintain"],
        ["init"],
        ["init", "--accept-gap"],
        ["teardown"],
    ):
        done = bemi(*command, env=env, check=False)
        assert re.search(place, done.stderr), (command, done)


@oldest_and_newest
def test_a_question_before_the_history_goes_names_its_database(database: Database) -> None:
    bemi("init", env={"BEMI_SOURCE_URL": database.url})
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [binary(), "teardown", "--source", database.url, "--destination"],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, b"y\nn\n")
        said = process.communicate(timeout=60)[0].decode()
    os.close(ours)
    assert re.search(rf"the whole history in {database.name} at \S+:\d+\?", said), said
    assert process.returncode == 2 and database.sql("select to_regclass('changes') is not null") == [(True,)]


LIBPQ_PLACES = {"PGHOST": "10.255.255.1", "PGHOSTADDR": "10.255.255.1", "PGPORT": "1", "PGUSER": "nobody_at_all",
                "PGDATABASE": "elsewhere", "PGSERVICE": "elsewhere"}  # fmt: skip


@oldest_and_newest
@pytest.mark.parametrize("variable", LIBPQ_PLACES)
def test_libpqs_variables_lead_nowhere_else(database: Database, variable: str) -> None:
    env = {variable: LIBPQ_PLACES[variable], "PGCONNECT_TIMEOUT": "3"}
    said = bemi("check", "--source", database.url, env=env, check=False)
    assert f"source {database.name} at" in said.stdout, said
    assert variable not in said.stderr, "the address says it already"


@oldest_and_newest
def test_gaps_in_an_address_are_not_filled_in_unseen(database: Database, server: Server) -> None:
    name = f"{database.name}_env"
    server.create_database(name)
    try:
        short = database.url.rpartition("/")[0] + "/"
        said = bemi("check", "--source", short, env={"PGDATABASE": name}, check=False)
        assert name not in said.stdout and "PGDATABASE is not used" in said.stderr, said
    finally:
        server.drop_database(name)


@oldest_and_newest
def test_libpqs_variables_change_no_value(database: Database, start_worker: StartWorker) -> None:
    """They win over what a connection asks for, and the text of values is what is stored."""
    database.sql("create table item (id int primary key, at timestamptz, day date)")
    env = {"PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "PGCLIENTENCODING": "LATIN1"}
    start_worker(env=env).wait_ready()
    database.sql("insert into item values (1, '2026-01-02 03:04:05+00', '2026-01-02')")
    sync(database.url)
    [(stored, truth)] = database.sql(
        "select after, (select to_jsonb(i) from item i) from changes where operation = 'CREATE'"
    )
    assert stored["at"] == "2026-01-02T03:04:05+00:00" and stored["day"] == "2026-01-02", (stored, truth)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("BEMI_DESTINATON_URL", "BEMI_DESTINATION_URL"),
        ("BEMI_REDACT_COLUMNS", "BEMI_REDACT_COLUMN"),
        ("BEMI_SOURCE", "BEMI_SOURCE_URL"),
        ("BEMI_EXCLUDES", "BEMI_EXCLUDE"),
    ],
)
def test_a_variable_with_a_slip_is_refused(variable: str, meant: str) -> None:
    done = bemi("check", "--source", "postgresql://127.0.0.1:1/x", env={variable: "x"}, check=False)
    assert done.returncode == 2 and variable in done.stderr and f"did you mean {meant}" in done.stderr


def test_other_variables_are_named_and_those_of_a_service_are_not() -> None:
    env = {"BEMI_WEATHER": "x", "BEMI_SERVICE_HOST": "10.0.0.1", "BEMI_PORT_7070_TCP_ADDR": "10.0.0.1"}
    done = bemi("check", "--source", "postgresql://127.0.0.1:1/x", env=env, check=False)
    assert done.returncode == 1 and "BEMI_WEATHER" in done.stderr
    assert "SERVICE" not in done.stderr and "PORT" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('redact_column = "a.b.c"', "did you mean redact-column"),
        ('redact-columns = ["a.b.c"]', "did you mean redact-column"),
        ('sorce = "x"', "did you mean source"),
        ('[source]\nurl = "x"', "is a table"),
        ("yes = true", "unknown key yes"),
        ('source = ["a", "b"]', "source"),
        ('partition = "year"', "partition"),
        ("heartbeat-interval = 0", "heartbeat-interval"),
    ],
)
def test_a_file_with_a_slip_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "bemi.toml").write_text(text + "\n")
    done = bemi("run", cwd=tmp_path, check=False)
    assert done.returncode == 2 and words in done.stderr and "hint: " in done.stderr, done


@pytest.mark.parametrize("command", list(commands()))
def test_an_empty_flag_is_refused_and_not_taken_for_none(command: str) -> None:
    """A script's variable that is not set must not make a command act on another database, or on all rows."""
    text = bemi(*command.split(), "--help").stdout
    flags = re.findall(r"^ +(?:-\w,)?--([a-z-]+)", text, flags=re.MULTILINE)
    assert flags
    env = {
        "BEMI_SOURCE_URL": "postgresql://127.0.0.1:1/x",
        "BEMI_DESTINATION_URL": "postgresql://127.0.0.1:1/x",
    }
    for flag in set(flags) - {"reason", "comment"}:
        for words in ([f"--{flag}", ""], [f"--{flag}="]):
            done = bemi(*command.split(), *DEMANDED.get(command, []), *words, env=env, check=False)
            assert done.returncode == 2 and f"--{flag} is empty" in done.stderr, (words, done)


@pytest.mark.parametrize("command", list(commands()))
def test_an_empty_argument_is_refused(command: str) -> None:
    """At the end and before a flag: the library that reads the command line passes over it, or never ends."""
    for words in ([""], ["", "--config", "x"]):
        done = bemi(*command.split(), *DEMANDED.get(command, []), *words, check=False, timeout=20)
        assert done.returncode == 2 and "an argument is empty" in done.stderr, (words, done)


@oldest_and_newest
def test_a_teardown_with_an_empty_flag_removes_nothing(database: Database) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    bemi("init", env=env)
    for words in (
        ["--source", ""],
        ["--destination", ""],
        ["--destination="],
        ["--name="],
        ["--publication", ""],
    ):
        done = bemi("teardown", "--yes", *words, env=env, check=False)
        assert done.returncode == 2 and "is empty" in done.stderr, done
    assert database.sql("select count(*) from pg_publication") == [(1,)]
    assert database.sql("select to_regclass('changes') is not null") == [(True,)]


def test_a_wrong_variable_is_named() -> None:
    done = bemi("run", "--source", "postgresql://127.0.0.1:1/x", env={"BEMI_PARTITION": "year"}, check=False)
    assert done.returncode == 2 and "BEMI_PARTITION" in done.stderr


def test_a_variable_that_a_flag_excludes_is_not_used() -> None:
    env = {"BEMI_OWN_DESTINATION_URL": "dbname=x"}
    flags = ("--provision", "dbname=y", "--provision-database", "z")
    found = settings("source add", *flags, env=env, cwd=Path("/"))
    assert found["own-destination"]["from"] == "default" and found["provision"]["from"] == "flag"
    both = bemi("source", "add", *flags, "--own-destination", "dbname=x", check=False)
    assert both.returncode == 2 and "excludes" in both.stderr
    alone = bemi("source", "add", env={"BEMI_PROVISION_URL": "dbname=y"}, check=False)
    assert alone.returncode == 2 and "BEMI_PROVISION_URL needs --provision-database" in alone.stderr
    other = bemi("source", "add", "--provision-database", "z", check=False)
    assert other.returncode == 2 and "needs --provision" in other.stderr


def test_the_settings_that_are_printed_hold_no_secret() -> None:
    url = "postgresql://app:geheim@db.example:5433/shop?sslmode=require"
    text = bemi("run", "--source", url, "--http-token", "tok3n", "--print-settings").stdout
    assert "geheim" not in text and "tok3n" not in text
    [source] = [line for line in map(json.loads, text.splitlines()) if line["setting"] == "source"]
    assert "host='db.example'" in source["value"] and "port='5433'" in source["value"]


def test_the_file_of_the_documentation_is_right() -> None:
    """Each key that the reference shows is one."""
    page = (Path(__file__).resolve().parents[2] / "docs/reference/settings.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    keys = set(re.findall(r"^([a-z-]+) = ", example, flags=re.MULTILINE))
    known = {setting for command in commands() for setting in variables(command)}
    assert keys <= known and len(keys) > 5
    named = set(re.findall(r"`(BEMI_[A-Z_]+)`", page))
    every = {name for command in commands() for name in variables(command).values()}
    assert every <= named, every - named


@pytest.mark.parametrize("name", ["x'y", "x$$y", 'x"y', "x\\y", "x\ny", "x" * 64, "@schema@"])
def test_a_schema_that_would_break_the_sql_is_refused_in_words(name: str) -> None:
    done = bemi("init", "--source", "postgresql://127.0.0.1:1/x", "--schema", name, check=False)
    assert done.returncode == 2 and "schema's name" in done.stderr and "--schema" in done.stderr, done
